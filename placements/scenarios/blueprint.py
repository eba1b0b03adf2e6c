"""The blueprint of the pages about runs and what comes before them."""

from flask import Blueprint

scenarios = Blueprint("scenarios", __name__)
