"""The forms of repairs."""

import re

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField


class SetAsideForm(FlaskForm):
    """Why nothing is to be done about an item; the service says what is wrong with it."""

    item = HiddenField()
    reason = TextAreaField("Why nothing is to be done about it")


class RepairForm(FlaskForm):
    """Who may be moved although they have begun: references, one a line or with commas between."""

    may_move = TextAreaField("Learners who have begun and may be moved all the same")

    @property
    def references(self) -> list[str]:
        """What was typed, in its order, each once."""
        typed = re.split(r"[,;\n]", self.may_move.data or "")
        return list(dict.fromkeys(filter(None, (text.strip() for text in typed))))
