"""Forms about a learner: what is kept of them, and the sites that they would like."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import Optional, StopValidation

from placements.learners.details import MOST_EARLIER, MOST_TRAVEL_MINUTES, PRIORITIES, LearnerDetails
from placements.organisations.models import AccessNeed, Site, Trust
from placements.web.formats import day, minutes, weekdays

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TRAVEL_WORDS = {"car": "Car", "public_transport": "Public transport"}
FEWEST_SITES = 2
FEWEST_RANKS = 3


def stripped(text: str | None) -> str | None:
    return text.strip() if text else text


def _rows(field: SelectMultipleField, fewest: int) -> list[str]:
    """What stands in each of a row of selects, with some left empty."""
    chosen = [value for value in field.data or () if value]
    return [*chosen, *[""] * max(fewest, 0)]


class LearnerForm(FlaskForm):
    """Where a learner lives and may be placed; for a new one the reference too."""

    version = IntegerField("version", [Optional()], default=0)
    reference = StringField("Reference", filters=[stripped])
    postcode = StringField("Home postcode", filters=[stripped])
    term_postcode = StringField("Term-time postcode, if it is another", filters=[stripped])
    travel_mode = RadioField(
        "Travel",
        choices=[SelectChoice(key, words) for key, words in TRAVEL_WORDS.items()],
        default="car",
        validate_choice=False,
    )
    travel_limit_minutes = StringField("A shorter travel limit, in minutes one way", filters=[stripped])
    accommodation = BooleanField("Would stay in accommodation at a site beyond the travel limit")
    employer = SelectField("Employing trust", validate_choice=False)
    released = BooleanField("The employer lets them be placed elsewhere")
    hub = SelectField("Hub trust", validate_choice=False)
    available_from = DateField("First day they can be placed", [Optional()])
    available_until = DateField("Last day they can be placed", [Optional()])
    weekdays = SelectMultipleField("Days of the week, where part-time", validate_choice=False)
    access_needs = SelectMultipleField("A site must have", validate_choice=False)
    exclusions = SelectMultipleField("Sites to avoid", validate_choice=False)
    earlier_sites = SelectMultipleField("Sites attended before", validate_choice=False)
    earlier_times = SelectMultipleField("How often", validate_choice=False)
    priority = SelectField("Priority", validate_choice=False)
    priority_reason = StringField("Why they have a priority of their own", filters=[stripped])

    def __init__(
        self,
        sites: Sequence[Site],
        trusts: Sequence[Trust],
        needs: Sequence[AccessNeed],
        saved: LearnerDetails | None = None,
        version: int = 0,
        **values: Any,
    ) -> None:
        self.sites, self.trusts, self.needs = sites, trusts, needs
        if saved is not None:
            values = self._values(saved) | values
        super().__init__(**({"version": version} | values))
        for field in (self.employer, self.hub):
            field.choices = [
                SelectChoice("", "None"),
                *(SelectChoice(str(row.id), row.name) for row in trusts),
            ]
        self.priority.choices = [
            SelectChoice("", "As their stage has it"),
            *(
                SelectChoice(str(number), f"{number}{' (placed first)' if number == 1 else ''}")
                for number in PRIORITIES
            ),
        ]

    def _values(self, saved: LearnerDetails) -> dict[str, Any]:
        earlier = sorted(saved.earlier_sites)
        return {
            "postcode": saved.postcode,
            "term_postcode": saved.term_postcode,
            "travel_mode": saved.travel_mode,
            "travel_limit_minutes": _text(saved.travel_limit_minutes),
            "accommodation": saved.accommodation,
            "employer": _text(saved.employer_trust_id),
            "released": saved.released,
            "hub": _text(saved.hub_trust_id),
            "available_from": saved.available_from,
            "available_until": saved.available_until,
            "weekdays": list(saved.weekdays or ""),
            "access_needs": [str(number) for number in sorted(saved.access_needs)],
            "exclusions": [str(number) for number in sorted(saved.exclusions)],
            "earlier_sites": [str(site_id) for site_id, _ in earlier],
            "earlier_times": [str(times) for _, times in earlier],
            "priority": _text(saved.priority),
            "priority_reason": saved.priority_reason,
        }

    @property
    def exclusion_rows(self) -> list[str]:
        return _rows(self.exclusions, FEWEST_SITES)

    @property
    def earlier_rows(self) -> list[tuple[str, str]]:
        """Site and how often of each row that is used, and some left empty."""
        return [*self._earlier(), *[("", "")] * FEWEST_SITES]

    def _earlier(self) -> list[tuple[str, str]]:
        sites, times = list(self.earlier_sites.data or ()), list(self.earlier_times.data or ())
        times += [""] * (len(sites) - len(times))
        return [(site, often.strip()) for site, often in zip(sites, times, strict=False) if site]

    def validate_travel_limit_minutes(self, field: StringField) -> None:
        if field.data and not (field.data.isdecimal() and len(field.data) < 5):
            raise StopValidation(
                f"Enter whole minutes from 1 to {MOST_TRAVEL_MINUTES}, such as 45, or nothing for the round's"
                " own limit"
            )

    def validate_exclusions(self, field: SelectMultipleField) -> None:
        require_ids(field, "Choose sites from the list")

    def validate_access_needs(self, field: SelectMultipleField) -> None:
        require_ids(field, "Choose access needs from the list")

    def validate_earlier_sites(self, field: SelectMultipleField) -> None:
        require_ids(field, "Choose sites from the list")
        for _, often in self._earlier():
            if often and not (often.isdecimal() and 1 <= int(often[:4]) <= MOST_EARLIER):
                raise StopValidation(f"Say how often with a whole number from 1 to {MOST_EARLIER}")
        sites = [site for site, _ in self._earlier()]
        if len(set(sites)) < len(sites):
            raise StopValidation("Choose each site once, and say how often")

    def validate_employer(self, field: SelectField) -> None:
        if field.data and not field.data.isdecimal():
            raise StopValidation("Choose a trust from the list")

    validate_hub = validate_employer

    def validate_released(self, field: BooleanField) -> None:
        if field.data and not self.employer.data:
            raise StopValidation("Choose the employing trust that lets them be placed elsewhere")

    def validate_priority(self, field: SelectField) -> None:
        if field.data and field.data not in {str(number) for number in PRIORITIES}:
            raise StopValidation("Choose a priority from the list")

    def command(self) -> LearnerDetails:
        """What was entered, after it was found valid."""
        return LearnerDetails(
            postcode=self.postcode.data or "",
            term_postcode=self.term_postcode.data or None,
            travel_mode=self.travel_mode.data or "",
            travel_limit_minutes=int(self.travel_limit_minutes.data)
            if self.travel_limit_minutes.data
            else None,
            accommodation=bool(self.accommodation.data),
            employer_trust_id=int(self.employer.data) if self.employer.data else None,
            released=bool(self.released.data),
            hub_trust_id=int(self.hub.data) if self.hub.data else None,
            available_from=self.available_from.data,
            available_until=self.available_until.data,
            weekdays=days_of(self.weekdays),
            access_needs=frozenset(int(value) for value in self.access_needs.data or ()),
            exclusions=frozenset(int(value) for value in self.exclusions.data or () if value),
            earlier_sites=frozenset((int(site), int(often or 1)) for site, often in self._earlier()),
            priority=int(self.priority.data) if self.priority.data else None,
            priority_reason=self.priority_reason.data or "",
        )

    def in_words(self, details: LearnerDetails) -> dict[str, str]:
        """Each field's label to what stands in it, to show two versions side by side."""
        sites = {row.id: row.name for row in self.sites}
        trusts = {row.id: row.name for row in self.trusts}
        needs = {row.id: row.name for row in self.needs}
        limit = details.travel_limit_minutes
        return {
            self.postcode.label.text: details.postcode,
            self.term_postcode.label.text: details.term_postcode or "None",
            self.travel_mode.label.text: TRAVEL_WORDS.get(details.travel_mode, ""),
            self.travel_limit_minutes.label.text: minutes(limit) if limit else "None",
            self.accommodation.label.text: "Yes" if details.accommodation else "No",
            self.employer.label.text: trusts.get(details.employer_trust_id or 0, "None"),
            self.released.label.text: "Yes" if details.released else "No",
            self.hub.label.text: trusts.get(details.hub_trust_id or 0, "None"),
            self.available_from.label.text: _spoken(details.available_from),
            self.available_until.label.text: _spoken(details.available_until),
            self.weekdays.label.text: weekdays(details.weekdays) if details.weekdays else "As planned",
            self.access_needs.label.text: listed(needs.get(row, "") for row in details.access_needs),
            self.exclusions.label.text: listed(sites.get(row, "") for row in details.exclusions),
            self.earlier_sites.label.text: listed(
                f"{sites.get(site, '')} ({times})" for site, times in details.earlier_sites
            ),
            self.priority.label.text: _text(details.priority) or "As their stage has it",
            self.priority_reason.label.text: details.priority_reason or "None",
        }

    def differences(self, theirs: LearnerDetails) -> list[tuple[str, str, str]]:
        """Where another's saved version differs from what is typed: label, theirs, typed."""
        saved, typed = self.in_words(theirs), self.in_words(self.command())
        return [(label, saved[label], words) for label, words in typed.items() if words != saved[label]]


class PreferencesForm(FlaskForm):
    """Sites in order of preference, a select for each rank; a press moves one up or down without saving."""

    version = IntegerField("version", [Optional()], default=0)
    sites = SelectMultipleField("Sites, the most wanted first", validate_choice=False)

    @property
    def rows(self) -> list[str]:
        """What stands at each rank, with some ranks left empty."""
        return _rows(self.sites, FEWEST_RANKS)

    def validate_sites(self, field: SelectMultipleField) -> None:
        require_ids(field, "Choose sites from the list")

    def move(self, up: str | None, down: str | None) -> None:
        """Change two neighbours' places, as the pressed button says; one that says nothing sensible does
        nothing."""
        chosen = [value for value in self.sites.data or () if value]
        text = up if up is not None else down
        place = int(text) if text is not None and text.isdecimal() and len(text) < 4 else -1
        other = place - 1 if up is not None else place + 1
        if min(place, other) >= 0 and max(place, other) < len(chosen):
            chosen[place], chosen[other] = chosen[other], chosen[place]
        self.sites.data = chosen

    def command(self) -> list[int]:
        """The sites by id, the most wanted first."""
        return [int(value) for value in self.sites.data or () if value]


def days_of(field: SelectMultipleField) -> str | None:
    """The chosen weekdays, as in "135"; None where none is chosen."""
    return "".join(sorted(set(field.data or ()))) or None


def require_ids(field: SelectMultipleField, words: str) -> None:
    if not all(value.isdecimal() and len(value) < 10 for value in field.data or () if value):
        raise StopValidation(words)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _spoken(value: date | None) -> str:
    return day(value) if value else "No limit"


def listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "None"
