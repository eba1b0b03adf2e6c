"""The blueprint of what came of placements."""

from flask import Blueprint

outcomes = Blueprint("outcomes", __name__)
