"""Forms about rounds."""

from datetime import date
from typing import cast

from flask_wtf import FlaskForm
from wtforms import DateField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from placements.clock import is_monday
from placements.rounds.service import RoundCopy


class RoundCopyForm(FlaskForm):
    """A new round made after another: its name, where it begins, its deadlines."""

    name = StringField("Name", [InputRequired("Enter a name for the round"), Length(max=200)])
    first_week = DateField(
        "First week, a Monday", [InputRequired("Enter the Monday on which the round begins")]
    )
    declare_by = DateField("Trusts declare by", [InputRequired("Enter the day by which trusts declare")])
    submit_by = DateField("HEIs submit by", [InputRequired("Enter the day by which HEIs submit")])

    def validate_first_week(self, field: DateField) -> None:
        if field.data is not None and not is_monday(field.data):
            raise ValidationError("The first week must be a Monday")

    def command(self) -> RoundCopy:
        return RoundCopy(
            name=cast(str, self.name.data),
            first_week=cast(date, self.first_week.data),
            declare_by=cast(date, self.declare_by.data),
            submit_by=cast(date, self.submit_by.data),
        )
