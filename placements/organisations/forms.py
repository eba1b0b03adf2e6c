"""Forms about reference data."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, StopValidation

from placements.errors import Refused
from placements.organisations.queries import RateLine
from placements.organisations.service import NewRate


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

    def show_refusal(self, refused: Refused) -> None:
        """Put what the service refused beside the fields that it names."""
        for name, words in refused.fields.items():
            self[name].errors = [*self[name].errors, words]


def _decimal(text: str | None) -> Decimal | None:
    try:
        found = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
