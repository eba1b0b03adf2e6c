"""The blueprint that the pages about checks hang on."""

from flask import Blueprint

clearance = Blueprint("clearance", __name__)
