"""Forms about proposals."""

from datetime import date
from typing import cast

from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from placements.confirmations.service import Answer, Verb
from placements.confirmations.wording import REASONS


class SendForm(FlaskForm):
    """The day by which trusts are to answer."""

    answer_by = DateField("Trusts answer by (optional)", [Optional()])

    @property
    def given(self) -> date | None:
        return self.answer_by.data


class AnswerForm(FlaskForm):
    """What a trust says of the places that it ticked; the service says what is missing."""

    verb = RadioField(
        "Your answer",
        choices=[
            SelectChoice("confirm", "Confirm"),
            SelectChoice("decline", "Decline"),
            SelectChoice("ask", "Ask the academy"),
        ],
        validate_choice=False,
    )
    reason = SelectField(
        "Why you decline",
        choices=[SelectChoice("", "Choose"), *(SelectChoice(*reason) for reason in REASONS.items())],
        validate_choice=False,
        default="",
    )
    note = TextAreaField("More about why (optional)")
    question = TextAreaField("What you would like to know")

    def command(self) -> Answer:
        """What was answered, each field only where it belongs to the answer."""
        verb = cast(Verb, self.verb.data or "")
        declines, asks = verb == "decline", verb == "ask"
        return Answer(
            verb=verb,
            reason=(self.reason.data or "") if declines else "",
            note=(self.note.data or "") if declines else "",
            question=(self.question.data or "") if asks else "",
        )


class ReplyForm(FlaskForm):
    """What the academy says to a trust's question."""

    reply = TextAreaField("Your reply")
