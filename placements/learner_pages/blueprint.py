"""The blueprint of learners' own pages and of the private links to them."""

from flask import Blueprint

learner_pages = Blueprint("learner_pages", __name__)
