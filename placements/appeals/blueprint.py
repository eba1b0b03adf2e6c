"""The blueprint of appeals."""

from flask import Blueprint

appeals = Blueprint("appeals", __name__)
