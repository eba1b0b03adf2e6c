"""The blueprint on which the route modules of plans hang: the plans themselves, blocks and programmes."""

from flask import Blueprint

plans = Blueprint("plans", __name__, url_prefix="/rounds/<int:round_id>")
