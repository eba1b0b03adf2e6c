"""Forms about how placements went."""

from __future__ import annotations

from typing import Any, cast

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import DateField, IntegerField, RadioField, SelectField, StringField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from placements.outcomes.models import PlacementOutcome
from placements.outcomes.service import OutcomeDetails
from placements.outcomes.uploads import MOST_BYTES
from placements.outcomes.wording import OUTCOME_WORDS


class OutcomeForm(FlaskForm):
    """How one placement went."""

    version = IntegerField("version", [Optional()], default=0)
    outcome = RadioField(
        "How did it go?",
        choices=[SelectChoice(key, words) for key, words in OUTCOME_WORDS.items()],
        validate_choice=False,
    )
    last_day = DateField("Last day there", [Optional()])
    reason = SelectField("Reason", validate_choice=False)
    days_attended = StringField("Days attended (optional)")

    def __init__(
        self, reasons: dict[str, str], saved: PlacementOutcome | None, reason: str | None, **values: Any
    ) -> None:
        if saved is not None:
            values = {
                "version": saved.version,
                "outcome": saved.outcome,
                "last_day": saved.last_day,
                "reason": reason or "",
                "days_attended": str(saved.days_attended) if saved.days_attended is not None else "",
            } | values
        super().__init__(**values)
        self.reason.choices = [SelectChoice("", "Choose a reason")] + [
            SelectChoice(key, words) for key, words in reasons.items()
        ]

    def validate_days_attended(self, field: StringField) -> None:
        text = (field.data or "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 4):
            raise ValidationError("Use a whole number of days, such as 20")

    def command(self) -> OutcomeDetails:
        """What was said; only after validation."""
        days = (self.days_attended.data or "").strip()
        return OutcomeDetails(
            self.outcome.data or "", self.last_day.data, self.reason.data or None, int(days) if days else None
        )


class OutcomesForm(FlaskForm):
    """A file of outcomes."""

    file = FileField("File of outcomes")

    def validate_file(self, field: FileField) -> None:
        if not isinstance(field.data, FileStorage) or not field.data.filename:
            raise ValidationError("Choose the file")

    def command(self) -> bytes:
        """The file's bytes; only after validation."""
        return cast(FileStorage, self.file.data).stream.read(MOST_BYTES + 1)
