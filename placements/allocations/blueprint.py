"""The blueprint on which the route modules of allocations hang: publications, published places, changes."""

from flask import Blueprint

allocations = Blueprint("allocations", __name__)
