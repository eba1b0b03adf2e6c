"""The pages about learners, to which the routes modules add."""

from flask import Blueprint

learners = Blueprint("learners", __name__)
