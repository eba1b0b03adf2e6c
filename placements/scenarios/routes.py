"""Pages about scenarios."""

from flask import Blueprint

scenarios = Blueprint("scenarios", __name__)
