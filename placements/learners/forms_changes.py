"""Forms about what changes for a learner: exceptions, days away, companions, contact, erasure."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Optional

from placements.learners.companions import MOST_LEARNERS
from placements.learners.forms import days_of, listed, require_ids, stripped
from placements.learners.interruptions import NewInterruption
from placements.learners.requirements import RequirementDetails
from placements.organisations.models import Modality
from placements.rounds.models import Block
from placements.web.formats import day, weekdays


class RequirementForm(FlaskForm):
    """What stands instead of the plan, for one place; a new one names its block."""

    version = IntegerField("version", [Optional()], default=0)
    block = SelectField("Block", validate_choice=False)
    state = RadioField("Place", validate_choice=False, default="needed")
    modalities = SelectMultipleField("Any of these modalities", validate_choice=False)
    weekdays = SelectMultipleField("Days of the week", validate_choice=False)
    reason = StringField("Why it is not as planned", filters=[stripped])

    def __init__(
        self,
        every: Sequence[Modality],
        blocks: Sequence[Block] = (),
        saved: RequirementDetails | None = None,
        **values: Any,
    ) -> None:
        self.every = every
        if saved is not None:
            values = {
                "state": "needed" if saved.is_needed else "exempt",
                "modalities": [str(number) for number in sorted(saved.modalities)],
                "weekdays": list(saved.weekdays or ""),
                "reason": saved.reason,
            } | values
        super().__init__(**values)
        self.state.choices = [SelectChoice("needed", "Needed"), SelectChoice("exempt", "Not needed")]
        self.block.choices = [
            SelectChoice(str(row.id), f"{row.name}, {day(row.first_week)} to {day(row.last_day)}")
            for row in blocks
        ]

    def validate_modalities(self, field: SelectMultipleField) -> None:
        require_ids(field, "Choose modalities from the list")

    @property
    def block_id(self) -> int:
        """The chosen block; 0 where none could be meant."""
        text = self.block.data or ""
        return int(text) if text.isdecimal() and len(text) < 10 else 0

    def command(self) -> RequirementDetails:
        """What was entered, after it was found valid."""
        return RequirementDetails(
            is_needed=self.state.data != "exempt",
            modalities=frozenset(int(value) for value in self.modalities.data or ()),
            weekdays=days_of(self.weekdays),
            reason=self.reason.data or "",
        )

    def in_words(self, details: RequirementDetails) -> dict[str, str]:
        """Each field's label to what stands in it."""
        names = {row.id: row.name for row in self.every}
        return {
            self.state.label.text: "Needed" if details.is_needed else "Not needed",
            self.modalities.label.text: listed(names.get(row, "") for row in details.modalities)
            if details.modalities
            else "As planned",
            self.weekdays.label.text: weekdays(details.weekdays) if details.weekdays else "As planned",
            self.reason.label.text: details.reason or "None",
        }

    def differences(self, theirs: RequirementDetails) -> list[tuple[str, str, str]]:
        """Where another's saved version differs from what is typed: label, theirs, typed."""
        saved, typed = self.in_words(theirs), self.in_words(self.command())
        return [(label, saved[label], words) for label, words in typed.items() if words != saved[label]]


class InterruptionForm(FlaskForm):
    """From when a learner takes no part, and until when."""

    version = IntegerField("version", [Optional()], default=0)
    kind = RadioField(
        "What happens",
        choices=[
            SelectChoice("withdrawn", "Withdraws for good"),
            SelectChoice("suspended", "Is suspended, or interrupts their studies"),
        ],
        default="withdrawn",
        validate_choice=False,
    )
    first_day = DateField("First day away", [InputRequired("Enter the first day away")])
    last_day = DateField("Last day of a suspension", [Optional()])

    def command(self) -> NewInterruption:
        """What was entered, after it was found valid."""
        return NewInterruption(self.kind.data or "", cast(date, self.first_day.data), self.last_day.data)


class ReturnForm(FlaskForm):
    """When a learner is back."""

    version = IntegerField("version", [Optional()], default=0)
    back_on = DateField("First day back", [InputRequired("Enter the first day on which they are back")])

    @property
    def last_day(self) -> date:
        """The last day away."""
        return cast(date, self.back_on.data) - timedelta(days=1)


class CompanionsForm(FlaskForm):
    """Other learners by reference, and whether the learner goes with them or never does."""

    version = IntegerField("version", [Optional()], default=0)
    kind = RadioField(
        "They",
        choices=[
            SelectChoice("together", "go to the same site whenever they are placed in the same week"),
            SelectChoice("apart", "are never at the same site in the same week"),
        ],
        default="together",
        validate_choice=False,
    )
    references = SelectMultipleField("With", validate_choice=False)

    @property
    def rows(self) -> list[str]:
        """What stands in each line for a reference."""
        typed = [value for value in self.references.data or () if value]
        return [*typed, *[""] * max(0, min(3, MOST_LEARNERS - 1) - len(typed))]


class ContactForm(FlaskForm):
    """A learner's name and e-mail address."""

    version = IntegerField("version", [Optional()], default=0)
    name = StringField("Name", filters=[stripped])
    email = StringField("E-mail address", filters=[stripped])


class ErasureForm(FlaskForm):
    """The reference typed once more, to show that it is the right learner."""

    typed = StringField("Type the reference", [InputRequired("Type the learner's reference")])
