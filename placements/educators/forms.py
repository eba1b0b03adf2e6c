"""Forms about practice educators."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Optional, StopValidation

from placements.educators.models import ABSENCE_KINDS, DAYS, MOST_LEARNERS, MOST_WTE
from placements.educators.service import ANSWERS, EducatorDetails, NewAbsence, Served
from placements.organisations.models import Department, LearnerGroup
from placements.web.formats import day

WTE_WORDS = f"Enter a number from 0 to {MOST_WTE} with at most two decimals, such as 0.8"
# Selects for departments elsewhere: two more than are used, and never fewer than these.
FEWEST_ELSEWHERE = 2
KIND_WORDS = {kind: kind.capitalize() for kind in ABSENCE_KINDS}


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


def learner_key(group: str, stage: str | None) -> str:
    """`group` or `group/stage`, as the form's boxes are called."""
    return f"{group}/{stage}" if stage else group


class EducatorForm(FlaskForm):
    """A new or a changed educator. Departments of the person's own are boxes, others are selects."""

    version = IntegerField("version", [Optional()], default=0)
    name = StringField("Name", [InputRequired("Enter the educator's name")], filters=[_stripped])
    wte = StringField("WTE for supervision", [InputRequired(WTE_WORDS)], filters=[_stripped])
    days = SelectMultipleField("Days of the week", validate_choice=False)
    most_at_once = StringField("Most learners at once", filters=[_stripped])
    here = SelectMultipleField("Departments", validate_choice=False)
    here_remote = SelectMultipleField("From afar", validate_choice=False)
    elsewhere = SelectMultipleField("Departments elsewhere", validate_choice=False)
    elsewhere_remote = SelectMultipleField("From afar", validate_choice=False)
    supervises = SelectMultipleField("Learners", validate_choice=False)
    accreditation = StringField("Accreditation", filters=[_stripped])
    accredited_until = DateField("Accredited until", [Optional()])
    state = RadioField(
        "Where they stand",
        choices=[SelectChoice("active", "Supervises"), SelectChoice("left", "Has left, or no longer does")],
        default="active",
        validate_choice=False,
    )

    def __init__(
        self,
        own: Sequence[Department],
        others: Sequence[Department],
        groups: Sequence[LearnerGroup],
        saved: EducatorDetails | None = None,
        version: int = 0,
        **values: Any,
    ) -> None:
        self.own, self.others, self.groups = own, others, groups
        if saved is not None:
            values = self._values(saved) | values
        super().__init__(**({"days": ["0", "1", "2", "3", "4"], "version": version} | values))

    def _values(self, saved: EducatorDetails) -> dict[str, Any]:
        own = {department.id for department in self.own}
        here = [row for row in saved.departments if row.department_id in own]
        elsewhere = [row for row in saved.departments if row.department_id not in own]
        return {
            "name": saved.name,
            "wte": shown(saved.wte),
            "days": [str(number) for number in saved.days],
            "most_at_once": "" if saved.most_at_once is None else str(saved.most_at_once),
            "here": [str(row.department_id) for row in here],
            "here_remote": [str(row.department_id) for row in here if row.is_remote],
            "elsewhere": [str(row.department_id) for row in elsewhere],
            "elsewhere_remote": [str(number) for number, row in enumerate(elsewhere) if row.is_remote],
            "supervises": [learner_key(*pair) for pair in saved.supervises],
            "accreditation": saved.accreditation,
            "accredited_until": saved.accredited_until,
            "state": "active" if saved.is_active else "left",
        }

    @property
    def elsewhere_rows(self) -> list[str]:
        """What stands in each select for a department elsewhere, with some left empty."""
        chosen = list(self.elsewhere.data or [])
        used = sum(1 for value in chosen if value)
        return chosen + [""] * max(0, used + FEWEST_ELSEWHERE - len(chosen))

    def validate_wte(self, field: StringField) -> None:
        if _decimal(field.data) is None:
            raise StopValidation(WTE_WORDS)

    def validate_days(self, field: SelectMultipleField) -> None:
        if not field.data or not set(field.data) <= {str(number) for number in range(len(DAYS))}:
            raise StopValidation("Choose at least one day of the week")

    def validate_most_at_once(self, field: StringField) -> None:
        if field.data and not (field.data.isdecimal() and 1 <= int(field.data[:9]) <= MOST_LEARNERS):
            raise StopValidation(f"Enter a whole number from 1 to {MOST_LEARNERS}, or nothing for no limit")

    def validate_here(self, field: SelectMultipleField) -> None:
        own = {str(department.id) for department in self.own}
        chosen = self._here()
        if not set(chosen) <= own:
            raise StopValidation("Choose departments from the list")
        if not chosen and not any(self.elsewhere.data or ()):
            raise StopValidation("Choose at least one department")

    def validate_elsewhere(self, field: SelectMultipleField) -> None:
        chosen = [value for value in field.data or () if value]
        if not set(chosen) <= {str(department.id) for department in self.others}:
            raise StopValidation("Choose departments from the list")
        if len(set(chosen)) < len(chosen):
            raise StopValidation("Choose each department once")

    def _here(self) -> list[str]:
        """The own departments that were chosen: one served from afar is served."""
        return list(dict.fromkeys([*(self.here.data or ()), *(self.here_remote.data or ())]))

    def command(self) -> EducatorDetails:
        """What was entered, after it was found valid. A group's own box takes in its stages."""
        remote = set(self.here_remote.data or ())
        served = [Served(int(value), value in remote) for value in self._here()]
        remote = set(self.elsewhere_remote.data or ())
        served += [
            Served(int(value), str(number) in remote)
            for number, value in enumerate(self.elsewhere.data or ())
            if value
        ]
        pairs = [tuple(key.partition("/")[::2]) for key in self.supervises.data or ()]
        whole = {group for group, stage in pairs if not stage}
        return EducatorDetails(
            name=cast(str, self.name.data),
            wte=cast(Decimal, _decimal(self.wte.data)),
            departments=tuple(served),
            days=tuple(sorted(int(value) for value in self.days.data or ())),
            most_at_once=int(self.most_at_once.data) if self.most_at_once.data else None,
            accreditation=self.accreditation.data or "",
            accredited_until=self.accredited_until.data,
            supervises=tuple(
                (group, stage or None) for group, stage in sorted(pairs) if not stage or group not in whole
            ),
            is_active=self.state.data != "left",
        )

    def in_words(self, details: EducatorDetails) -> dict[str, str]:
        """Each field's label to what stands in it, to show two versions side by side."""
        departments = {department.id: department.name for department in (*self.own, *self.others)}
        return {
            self.name.label.text: details.name,
            self.wte.label.text: shown(details.wte),
            self.days.label.text: days_in_words(details.days),
            self.most_at_once.label.text: str(details.most_at_once or "No limit"),
            self.here.label.text: "; ".join(
                departments.get(row.department_id, "") + (" (from afar)" if row.is_remote else "")
                for row in sorted(details.departments, key=lambda row: row.department_id)
            ),
            self.supervises.label.text: learners_in_words(details.supervises, self.groups),
            self.accreditation.label.text: details.accreditation or "None recorded",
            self.accredited_until.label.text: day(details.accredited_until)
            if details.accredited_until
            else "No end",
            self.state.label.text: "Supervises" if details.is_active else "Has left",
        }

    def differences(self, theirs: EducatorDetails) -> list[tuple[str, str, str]]:
        """Where another's saved version differs from what is typed: label, theirs, typed."""
        saved, typed = self.in_words(theirs), self.in_words(self.command())
        return [(label, saved[label], words) for label, words in typed.items() if words != saved[label]]


class SeveralForm(FlaskForm):
    """Several educators at once, a line each: name, WTE, and the most learners at once."""

    lines = TextAreaField("Educators", [InputRequired("Enter at least one educator, a line each")])
    here = SelectMultipleField("Departments", validate_choice=False)

    def __init__(self, own: Sequence[Department], **values: Any) -> None:
        super().__init__(**values)
        self.own = own

    def validate_here(self, field: SelectMultipleField) -> None:
        own = {str(department.id) for department in self.own}
        if not field.data or not set(field.data) <= own:
            raise StopValidation("Choose at least one department")

    def validate_lines(self, field: TextAreaField) -> None:
        wrong = [
            f"Line {number}: enter a name, a WTE from 0 to {MOST_WTE} and, if there is a limit, the most"
            f" learners at once from 1 to {MOST_LEARNERS}, such as “Jo Smith, 0.8, 2”"
            for number, cells in self.rows()
            if not self._is_right(cells)
        ]
        if wrong:
            field.errors = wrong
            raise StopValidation()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each line that is not empty, with its number, as cells: split at tabs where it comes from a
        spreadsheet, otherwise at commas."""
        for number, line in enumerate((self.lines.data or "").splitlines(), 1):
            if line.strip():
                cells = line.split("\t" if "\t" in line else ",")
                yield number, [cell.strip() for cell in cells]

    def _is_right(self, cells: list[str]) -> bool:
        if len(cells) not in (2, 3) or not cells[0] or _decimal(cells[1]) is None:
            return False
        most = cells[2] if len(cells) == 3 else ""
        return not most or (most.isdecimal() and 1 <= int(most[:9]) <= MOST_LEARNERS)

    def commands(self) -> list[EducatorDetails]:
        """What was entered, after it was found valid."""
        return [
            EducatorDetails(
                name=cells[0],
                wte=cast(Decimal, _decimal(cells[1])),
                departments=tuple(Served(int(value)) for value in self.here.data),
                most_at_once=int(cells[2]) if len(cells) == 3 and cells[2] else None,
            )
            for _, cells in self.rows()
        ]


class AbsenceForm(FlaskForm):
    """When an educator is away, and of what kind; never why."""

    first_day = DateField("First day away", [InputRequired("Enter the first day away")])
    last_day = DateField("Last day away", [InputRequired("Enter the last day away")])
    kind = RadioField(
        "Kind",
        choices=[SelectChoice(kind, words) for kind, words in KIND_WORDS.items()],
        default="leave",
        validate_choice=False,
    )

    def command(self) -> NewAbsence:
        return NewAbsence(
            cast(date, self.first_day.data), cast(date, self.last_day.data), self.kind.data or "leave"
        )


class EndAbsenceForm(FlaskForm):
    """Another last day of an absence, and the one that was read."""

    read = DateField("read", [InputRequired()])
    last_day = DateField("Last day away", [InputRequired("Enter the last day away")])


class AnswerForm(FlaskForm):
    """The answer to a request to share an educator."""

    answer = HiddenField("answer", [AnyOf(ANSWERS)])


def shown(wte: Decimal) -> str:
    """A WTE without needless noughts: 0.8, 1."""
    return f"{wte.normalize():f}"


def days_in_words(days: Sequence[int]) -> str:
    """Monday to Friday; Monday, Wednesday; Every day."""
    numbers = sorted(set(days))
    if numbers == list(range(7)):
        return "Every day"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{DAYS[numbers[0]]} to {DAYS[numbers[-1]]}"
    return ", ".join(DAYS[number] for number in numbers if number < len(DAYS))


def learners_in_words(pairs: Sequence[tuple[str, str | None]], groups: Sequence[LearnerGroup]) -> str:
    """Everybody; Sonography; Diagnostic radiography (Year 1, Year 2)."""
    found = []
    for group in groups:
        stages = [stage for key, stage in pairs if key == group.key]
        if None in stages:
            found.append(group.name)
        elif stages:
            found.append(
                f"{group.name} ({', '.join(stage.name for stage in group.stages if stage.key in stages)})"
            )
    return "; ".join(found) if found else "Everybody"


def _decimal(text: str | None) -> Decimal | None:
    """0.8, also typed as 0,8 or .8; None where it is no WTE."""
    try:
        found = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        return None
    if not found.is_finite() or not 0 <= found <= MOST_WTE or round(found, 2) != found:
        return None
    return abs(found)
