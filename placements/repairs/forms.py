"""The forms of repairs."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField


class SetAsideForm(FlaskForm):
    """Why nothing is to be done about an item; the service says what is wrong with it."""

    item = HiddenField()
    reason = TextAreaField("Why nothing is to be done about it")
