"""The blueprint on which the reports' route modules hang."""

from flask import Blueprint

reports = Blueprint("reports", __name__)
