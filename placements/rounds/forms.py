"""Forms about rounds."""

import re
from datetime import date
from typing import cast

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from placements.clock import is_monday
from placements.rounds.later_dates import LATER_DATES, LaterDates
from placements.rounds.models import Round
from placements.rounds.service import MOST_WEEKS_STUCK, RoundCopy, RoundSettings

DAYS = re.compile(r"[+-]?\d{1,3}")


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


class RoundSettingsForm(FlaskForm):
    """A round's deadlines and how trusts declare in it."""

    declare_by = DateField("Trusts declare by", [InputRequired("Enter the day by which trusts declare")])
    submit_by = DateField("HEIs submit by", [InputRequired("Enter the day by which HEIs submit")])
    reminder_days = StringField("Reminders, in days before trusts declare")
    weeks_stuck = IntegerField(
        "Weeks until a declaration counts as stuck",
        [
            InputRequired(f"Enter a whole number of weeks from 1 to {MOST_WEEKS_STUCK}"),
            NumberRange(1, MOST_WEEKS_STUCK, f"Use a whole number of weeks from 1 to {MOST_WEEKS_STUCK}"),
        ],
    )
    confirm_by = DateField("Trusts confirm proposed places by", [Optional()])
    release_on = DateField("Learners see their places from", [Optional()])
    appeal_by = DateField("Learners appeal by", [Optional()])
    panel_by = DateField("The panel decides appeals by", [Optional()])
    freeze_on = DateField("Places are frozen on", [Optional()])
    needs_confirmation = BooleanField("A place is published only once its trust has confirmed it")
    needs_approval = BooleanField("A trust's education lead approves what departments submit")
    uses_surge = BooleanField("The match may use surge places")

    @classmethod
    def of(cls, round_: Round) -> "RoundSettingsForm":
        """The form as the round stands."""
        names = (
            "declare_by",
            "submit_by",
            "weeks_stuck",
            "needs_approval",
            "uses_surge",
            "needs_confirmation",
            *LATER_DATES,
        )
        stands = {name: getattr(round_, name) for name in names}
        return cls(data=stands | {"reminder_days": ", ".join(map(str, round_.reminder_days))})

    def validate_reminder_days(self, field: StringField) -> None:
        for day in self._days():
            if not DAYS.fullmatch(day):
                raise ValidationError(
                    f"“{day[:20]}” is not a number of days: write numbers with commas, such as 14, 7, 1, -1"
                )

    def command(self) -> RoundSettings:
        return RoundSettings(
            declare_by=cast(date, self.declare_by.data),
            submit_by=cast(date, self.submit_by.data),
            needs_approval=bool(self.needs_approval.data),
            uses_surge=bool(self.uses_surge.data),
            reminder_days=tuple(int(day) for day in self._days()),
            weeks_stuck=cast(int, self.weeks_stuck.data),
            needs_confirmation=bool(self.needs_confirmation.data),
            later=LaterDates(**{name: self[name].data for name in LATER_DATES}),
        )

    def _days(self) -> list[str]:
        return (self.reminder_days.data or "").replace(",", " ").replace("−", "-").split()
