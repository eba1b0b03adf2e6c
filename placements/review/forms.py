"""Forms of moves by hand."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField


class MoveForm(FlaskForm):
    """Why, and what was shown."""

    reason = TextAreaField("Why?")
    seen = HiddenField("seen")
