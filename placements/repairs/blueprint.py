"""The blueprint on which the repairs' route modules hang."""

from flask import Blueprint

repairs = Blueprint("repairs", __name__)
