"""Forms about reference data."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, StopValidation

from placements.organisations.letter_text import LONGEST_TEXT
from placements.organisations.models import AccessNeed
from placements.organisations.queries import RateLine
from placements.organisations.service import NewRate
from placements.organisations.site_access import MOST_BEDS, SiteAccess

BEDS = f"Enter a whole number from 0 to {MOST_BEDS}"


class SiteAccessForm(FlaskForm):
    """What a site has for learners with access needs, and its beds."""

    needs = SelectMultipleField("What this site has")
    beds = IntegerField(
        "Beds for learners", [InputRequired(BEDS), NumberRange(0, MOST_BEDS, BEDS)], default=0
    )

    def __init__(self, known: Sequence[AccessNeed], **values: Any) -> None:
        super().__init__(**values)
        self.needs.choices = [SelectChoice(need.key, need.name) for need in known]

    def command(self) -> SiteAccess:
        return SiteAccess(tuple(self.needs.data or ()), cast(int, self.beds.data))


class LetterTextForm(FlaskForm):
    """What an HEI adds to its letters."""

    text = TextAreaField(
        "What your letters add",
        [Length(max=2 * LONGEST_TEXT, message=f"Use at most {LONGEST_TEXT:,} characters")],
    )


class RateForm(FlaskForm):
    """A figure of the reference data from a day on."""

    key = SelectField("For", [InputRequired("Choose from the list")], validate_choice=False)
    value = StringField("New figure", [InputRequired("Enter a number")])
    valid_from = DateField("Holds from", [InputRequired("Enter the day from which it holds")])

    def __init__(self, kind: str, label: str, lines: Sequence[RateLine], **values: Any) -> None:
        super().__init__(**values)
        self.kind = kind
        self.value.label.text = label
        self.key.choices = [
            SelectChoice("", "Choose"),
            *(SelectChoice(line.key, line.name) for line in lines),
        ]

    def validate_value(self, field: StringField) -> None:
        if _decimal(field.data) is None:
            raise StopValidation("Enter a number, such as 0.5")

    def command(self) -> NewRate:
        return NewRate(
            kind=self.kind,
            key=self.key.data,
            value=cast(Decimal, _decimal(self.value.data)),
            valid_from=cast(date, self.valid_from.data),
        )


def _decimal(text: str | None) -> Decimal | None:
    try:
        found = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
