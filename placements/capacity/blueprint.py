"""The blueprint on which capacity's route modules hang: the grid, the board and decisions, files."""

from flask import Blueprint

capacity = Blueprint("capacity", __name__)
