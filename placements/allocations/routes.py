"""Pages about allocations."""

from flask import Blueprint

allocations = Blueprint("allocations", __name__)
