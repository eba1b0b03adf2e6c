"""Pages about capacity."""

from flask import Blueprint

capacity = Blueprint("capacity", __name__)
