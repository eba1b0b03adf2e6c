"""The blueprint that the pages about cohorts hang on."""

from flask import Blueprint

cohorts = Blueprint("cohorts", __name__)
