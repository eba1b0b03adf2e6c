"""The blueprint that the pages about organisations share."""

from flask import Blueprint

organisations = Blueprint("organisations", __name__)
