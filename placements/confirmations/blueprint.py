"""The pages' blueprint; the route modules add their routes to it."""

from flask import Blueprint

confirmations = Blueprint("confirmations", __name__)
