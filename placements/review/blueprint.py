"""The blueprint of reviewing a run: why, what else, and moves by hand."""

from flask import Blueprint

review = Blueprint("review", __name__)
