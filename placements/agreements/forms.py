"""Forms about agreements."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, StopValidation

from placements.agreements.service import LONGEST_NOTE, MOST_PLACEMENTS, Proposal
from placements.organisations.models import Hei, Trust
from placements.web.formats import year_span

WHOLE_NUMBER = f"Enter a whole number from 0 to {MOST_PLACEMENTS:,}, or leave it empty"
NOTE = Length(max=LONGEST_NOTE, message=f"Use at most {LONGEST_NOTE} characters")


class ProposalForm(FlaskForm):
    """Least and most placements between an HEI and a trust; one that has only its own has no choice of it."""

    hei = SelectField("HEI", [InputRequired("Choose an HEI")], validate_choice=False)
    trust = SelectField("Trust", [InputRequired("Choose a trust")], validate_choice=False)
    learners = SelectField("Learners", validate_choice=False)
    year = SelectField("Academic year", validate_choice=False)
    least = StringField("Least placements in the year")
    most = StringField("Most placements in the year")
    note = TextAreaField("Note to the other side (optional)", [NOTE])

    def __init__(
        self,
        heis: Sequence[Hei],
        trusts: Sequence[Trust],
        of_whom: Mapping[str, str],
        years: Sequence[int],
        **values: Any,
    ) -> None:
        super().__init__(**values)
        for field, rows in ((self.hei, heis), (self.trust, trusts)):
            if len(rows) == 1:
                field.data = str(rows[0].id)
            field.choices = [
                *([SelectChoice("", "Choose")] if len(rows) != 1 else []),
                *(SelectChoice(str(row.id), row.name) for row in rows),
            ]
        self.learners.choices = [SelectChoice(key, words) for key, words in of_whom.items()]
        self.year.choices = [SelectChoice(str(year), year_span(year)) for year in years]

    def validate_least(self, field: StringField) -> None:
        _number(field.data)

    def validate_most(self, field: StringField) -> None:
        _number(field.data)

    def command(self) -> Proposal:
        return Proposal(
            hei_id=_id(self.hei.data),
            trust_id=_id(self.trust.data),
            learners=self.learners.data or "",
            year=_id(self.year.data),
            least=_number(self.least.data) or 0,
            most=_number(self.most.data),
            note=self.note.data or "",
        )


class AnswerForm(FlaskForm):
    """Agree or decline."""

    answer = RadioField(
        "Your answer",
        [InputRequired("Choose whether you agree or decline")],
        choices=[SelectChoice("agree", "Agree"), SelectChoice("decline", "Decline")],
        validate_choice=False,
    )
    note = TextAreaField("Note to the other side", [NOTE])

    @property
    def given(self) -> tuple[str, str]:
        return cast(str, self.answer.data), self.note.data or ""


class EndForm(FlaskForm):
    """End an agreement, or take a proposal back."""

    note = TextAreaField("Note to the other side (optional)", [NOTE])


def _number(text: str | None) -> int | None:
    """A whole number as typed, None where nothing is; raises StopValidation for anything else."""
    typed = (text or "").strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise StopValidation(WHOLE_NUMBER)
    return int(typed)


def _id(text: str | None) -> int:
    """A row's number from a form; 0, which no row has, where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
