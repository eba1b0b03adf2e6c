"""Forms about kinds of check, and the file of a cohort's checks."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from placements.clearance.models import CheckKind
from placements.clearance.service import (
    MONTHS_WRONG,
    MOST_MONTHS,
    MOST_WEEKS,
    WEEKS_WRONG,
    CheckKindValues,
)
from placements.clearance.uploads import MAX_BYTES
from placements.spreadsheets.dates import read_date

EFFECT_WORDS = {
    "blocks": "Holds the place back",
    "warns": "Only warns",
    "not_asked": "Is not asked for",
}

EFFECT_CHOICES = [SelectChoice(value, words) for value, words in EFFECT_WORDS.items()]


class CheckKindForm(FlaskForm):
    """A kind of check."""

    name = StringField("Name of the check", [InputRequired("Enter the check's name")])
    effect = SelectField("What it does where a learner has not had it", choices=EFFECT_CHOICES)
    weeks_before = IntegerField(
        "Weeks before a placement by which it is due",
        [InputRequired(WEEKS_WRONG), NumberRange(0, MOST_WEEKS, WEEKS_WRONG)],
    )
    valid_months = IntegerField(
        "Months for which it is good", [Optional(), NumberRange(1, MOST_MONTHS, MONTHS_WRONG)]
    )
    is_retired = BooleanField("No longer asked for")

    @classmethod
    def of(cls, kind: CheckKind) -> CheckKindForm:
        """The form as the kind stands."""
        names = ("name", "effect", "weeks_before", "valid_months", "is_retired")
        return cls(data={name: getattr(kind, name) for name in names})

    def command(self) -> CheckKindValues:
        return CheckKindValues(
            name=cast(str, self.name.data),
            effect=cast(str, self.effect.data),
            weeks_before=cast(int, self.weeks_before.data),
            valid_months=self.valid_months.data,
            is_retired=bool(self.is_retired.data),
        )


class ChecksForm(FlaskForm):
    """A file of checks, or rows pasted from a spreadsheet, and which check they are about where the headings
    do not say."""

    only = SelectField("Which check are the dates of?", coerce=int)
    text = TextAreaField("Or paste the rows with their headings")
    file = FileField("File of checks")

    def __init__(self, kinds: list[CheckKind], **values: Any) -> None:
        super().__init__(**values)
        self.only.choices = [
            SelectChoice(0, "The headings say which"),
            *(SelectChoice(kind.id, f"All of {kind.name}") for kind in kinds),
        ]

    def validate_file(self, field: FileField) -> None:
        if not self._has_file() and not (self.text.data or "").strip():
            raise ValidationError("Choose the file that holds the checks, or paste its rows")

    def data_of_file(self) -> bytes | None:
        """The file's bytes, at most one more than can be read; None where rows were pasted."""
        return cast(FileStorage, self.file.data).stream.read(MAX_BYTES + 1) if self._has_file() else None

    def _has_file(self) -> bool:
        return isinstance(self.file.data, FileStorage) and bool(self.file.data.filename)


def typed_day(text: str) -> date | None:
    """A day as a date field sends it, or as people type it: 2026-09-14, 14/09/2026; None for nothing. Raises
    ValueError, in words, for what is no day."""
    text = " ".join(text.split())
    return read_date(text) if text else None
