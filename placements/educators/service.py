"""What can be done with practice educators, their absences and their sharing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select, update

from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.educators import queries
from placements.educators.models import (
    ABSENCE_KINDS,
    MOST_LEARNERS,
    MOST_WTE,
    Absence,
    Educator,
    EducatorDepartment,
    EducatorGroup,
)
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.organisations.models import Department, LearnerGroup
from placements.organisations.queries import learner_groups, visible_departments
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction

LONGEST_NAME = 200
LONGEST_ABSENCE = timedelta(days=366)
ANSWERS = ("agree", "decline", "end")


@dataclass(frozen=True)
class Served:
    """A department that an educator serves, there or from afar."""

    department_id: int
    is_remote: bool = False


@dataclass(frozen=True)
class EducatorDetails:
    """All that is kept of an educator but absences. `days`: weekdays worked, Monday 0; `supervises`: pairs of
    group's key and stage's key (None: every stage), empty for everybody."""

    name: str
    wte: Decimal
    departments: tuple[Served, ...]
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    most_at_once: int | None = None
    accreditation: str = ""
    accredited_until: date | None = None
    supervises: tuple[tuple[str, str | None], ...] = ()
    is_active: bool = True


def details_of(educator: Educator) -> EducatorDetails:
    """An educator as saved; a department that declined is not among those served."""
    return EducatorDetails(
        name=educator.name,
        wte=educator.wte,
        departments=tuple(
            Served(place.department_id, place.is_remote)
            for place in educator.departments
            if place.declined_utc is None
        ),
        days=tuple(sorted(set(educator.days))),
        most_at_once=educator.most_at_once,
        accreditation=educator.accreditation,
        accredited_until=educator.accredited_until,
        supervises=tuple(
            sorted(
                ((row.learner_group.key, row.stage.key if row.stage else None) for row in educator.groups),
                key=lambda pair: (pair[0], pair[1] or ""),
            )
        ),
        is_active=educator.is_active,
    )


def create_educator(viewer: Viewer, details: EducatorDetails) -> Educator:
    """Add an educator of the person's trust, or for an academy lead of the academy; raises Refused naming
    each wrong field. Departments of others are asked for, and count once they agree."""
    return create_educators(viewer, [details])[0]


def create_educators(viewer: Viewer, all_details: Sequence[EducatorDetails]) -> list[Educator]:
    """Add several, all or none. Wrong fields of the second and further ones are named `number.field`."""
    with transaction(viewer, Action.SAVE_EDUCATOR) as tx:
        made: list[Educator] = []
        writer = _Writer(tx, viewer)
        for number, details in enumerate(all_details):
            educator = Educator(trust_id=viewer.trust_id, network_id=viewer.network_id, absences=[])
            writer.write(educator, details, prefix=f"{number}." if number else "")
            tx.session.add(educator)
            made.append(educator)
        writer.refuse_wrong()
        tx.note(made[0] if len(made) == 1 else None, educators=len(made))
    return made


def save_educator(viewer: Viewer, educator_id: int, *, version: int, details: EducatorDetails) -> Educator:
    """Change an educator whom the person keeps; raises Stale where somebody else did so since `version`, and
    Refused naming each wrong field. A department asked before that declined is asked again if it is named."""
    with transaction(viewer, Action.SAVE_EDUCATOR) as tx:
        educator = _kept(tx, viewer, educator_id)
        if educator.version != version:
            raise Stale(CHANGED_MEANWHILE)
        writer = _Writer(tx, viewer)
        writer.write(educator, details)
        writer.refuse_wrong()
        tx.note(educator, wte=str(details.wte), departments=len(details.departments))
    return educator


@dataclass(frozen=True)
class NewAbsence:
    """Days away, both ends included."""

    first_day: date
    last_day: date
    kind: str = "leave"


def absence_of(new: NewAbsence) -> Absence:
    """The absence as a row that is not saved yet, to ask what it would change; raises Refused naming each
    wrong field."""
    wrong: dict[str, str] = {}
    if new.last_day < new.first_day:
        wrong["last_day"] = "The last day away cannot be before the first"
    elif new.last_day - new.first_day > LONGEST_ABSENCE:
        wrong["last_day"] = "Record at most a year at a time"
    if new.kind not in ABSENCE_KINDS:
        wrong["kind"] = "Choose leave, training or other"
    if wrong:
        raise Refused(_sentences(wrong), wrong)
    return Absence(first_day=new.first_day, last_day=new.last_day, kind=new.kind)


def record_absence(viewer: Viewer, educator_id: int, new: NewAbsence) -> Absence:
    """Say when an educator is away; raises Refused where the days are wrong or already recorded."""
    absence = absence_of(new)
    with transaction(viewer, Action.RECORD_ABSENCE) as tx:
        educator = _kept(tx, viewer, educator_id, to_add=True)
        if clash := overlapping(educator, new.first_day, new.last_day):
            words = f"{_days(clash)} is already recorded for {educator.name}: change that absence instead"
            raise Refused(f"{words}.", {"first_day": words})
        educator.absences.append(absence)
        tx.note(educator, first_day=str(new.first_day), last_day=str(new.last_day), kind=new.kind)
    return absence


def end_absence(
    viewer: Viewer, educator_id: int, absence_id: int, *, read: date, last_day: date | None
) -> Educator:
    """Change the last day of an absence, or with None remove it; `read` is the last day that was read, and
    Stale is raised where somebody else has changed it since."""
    with transaction(viewer, Action.RECORD_ABSENCE) as tx:
        educator = _kept(tx, viewer, educator_id, to_add=True)
        absence = absence_by_id(educator, absence_id)
        if absence.last_day != read:
            raise Stale(CHANGED_MEANWHILE)
        if last_day is None:
            educator.absences.remove(absence)
            tx.note(educator, removed=_days(absence))
            return educator
        if last_day < absence.first_day:
            words = "The last day away cannot be before the first: to undo the absence, remove it"
            raise Refused(f"{words}.", {"last_day": words})
        absence_of(NewAbsence(absence.first_day, last_day, absence.kind))
        if clash := overlapping(educator, absence.first_day, last_day, besides=absence):
            words = f"{_days(clash)} is already recorded for {educator.name}"
            raise Refused(f"{words}.", {"last_day": words})
        absence.last_day = last_day
        tx.note(educator, first_day=str(absence.first_day), last_day=str(last_day))
    return educator


def absence_by_id(educator: Educator, absence_id: int) -> Absence:
    """One of an educator's absences; raises NotFound where it is not theirs or no longer there."""
    found = next((row for row in educator.absences if row.id == absence_id), None)
    if found is None:
        raise NotFound("There is no such absence. It may have been removed.")
    return found


def agree_sharing(viewer: Viewer, educator_id: int, department_id: int, *, answer: str) -> EducatorDepartment:
    """Agree to an educator of elsewhere in one of the own departments, decline, or end what was agreed.

    Raises Refused where that answer makes no sense now, such as when somebody else answered first.
    """
    with transaction(viewer, Action.AGREE_SHARING) as tx:
        department = tx.session.scalar(visible_departments(viewer).where(Department.id == department_id))
        if department is None:
            raise NotFound("There is no such department.")
        _hold(tx, viewer, educator_id)
        place = tx.session.scalar(
            queries.visible_sharing(viewer)
            .where(
                EducatorDepartment.educator_id == educator_id,
                EducatorDepartment.department_id == department_id,
            )
            .execution_options(populate_existing=True)
        )
        if place is None:
            queries.educator_by_id(tx.session, viewer, educator_id)
            if not queries.answers_for(viewer, department):
                raise NotAllowed(f"{department.site.trust.name} has the say over {department.name}.")
            raise Refused("Nobody asks for this any more: the request was taken back.")
        educator = place.educator
        state = queries.sharing_state(educator, place)
        if answer not in ANSWERS or (state == "agreed") != (answer == "end"):
            raise Refused(
                f"{educator.name} is {'' if state == 'agreed' else 'not '}shared with this department now,"
                " so that answer changes nothing. Somebody else may have answered first."
            )
        is_agreed = answer == "agree"
        place.agreed_utc = now_utc() if is_agreed else None
        place.declined_utc = None if is_agreed else now_utc()
        place.answered_by_id = viewer.person_id
        tx.note(educator, department=department_id, answer=answer)
    return place


def overlapping(
    educator: Educator, first_day: date, last_day: date, besides: Absence | None = None
) -> Absence | None:
    """An absence of theirs, other than `besides`, that shares a day with these."""
    return next(
        (
            row
            for row in educator.absences
            if row is not besides and row.first_day <= last_day and row.last_day >= first_day
        ),
        None,
    )


def _kept(tx: Transaction, viewer: Viewer, educator_id: int, *, to_add: bool = False) -> Educator:
    """The educator, whom the person must keep; with `to_add`, nobody else adds an absence meanwhile."""
    educator = queries.educator_by_id(tx.session, viewer, educator_id)
    if not queries.may_change(viewer, educator):
        keeper = educator.trust.name if educator.trust else "the academy"
        raise NotAllowed(f"{educator.name} is kept by {keeper}: ask them to make the change.")
    if to_add:
        _hold(tx, viewer, educator_id)
        educator = queries.educator_by_id(tx.session, viewer, educator_id)
    return educator


def _hold(tx: Transaction, viewer: Viewer, educator_id: int) -> None:
    """Keep others from this educator until the commit: a write of who changed them and when, since SQLite has
    no other lock; the version stays, so that what somebody else is typing can still be saved."""
    tx.session.execute(
        update(Educator)
        .where(Educator.id == educator_id)
        .values(changed_utc=now_utc(), changed_by_id=viewer.person_id)
        .execution_options(synchronize_session=False)
    )


class _Writer:
    """Puts details into rows, and gathers what is wrong with them."""

    def __init__(self, tx: Transaction, viewer: Viewer) -> None:
        self._tx = tx
        self._departments: Mapping[int, Department] = {
            row.id: row for row in queries.departments_of_network(tx.session, viewer)
        }
        self._groups: Mapping[str, LearnerGroup] = {row.key: row for row in learner_groups(tx.session)}
        self._names = {row.name.casefold(): row for row in _colleagues(tx, viewer)}
        self._viewer = viewer
        self._wrong: dict[str, str] = {}

    def write(self, educator: Educator, details: EducatorDetails, prefix: str = "") -> None:
        wrong = wrong_details(details, self._departments, self._groups)
        name = " ".join(details.name.split())
        namesake = self._names.setdefault(name.casefold(), educator)
        if name and details.is_active and namesake is not educator:
            wrong["name"] = f"{name} is already on the list: add something that tells the two apart"
        if wrong:
            self._wrong |= {prefix + field: words for field, words in wrong.items()}
            return
        educator.name = name
        educator.wte = details.wte
        educator.days = sorted(set(details.days))
        educator.most_at_once = details.most_at_once
        educator.accreditation = details.accreditation.strip()
        educator.accredited_until = details.accredited_until
        educator.is_active = details.is_active
        educator.changed_utc = now_utc()
        educator.changed_by_id = self._viewer.person_id
        educator.saves = (educator.saves or 0) + 1
        self._serve(educator, details.departments)
        self._supervise(educator, details.supervises)

    def refuse_wrong(self) -> None:
        if self._wrong:
            raise Refused(_sentences(self._wrong), self._wrong)

    def _serve(self, educator: Educator, served: Collection[Served]) -> None:
        before = {place.department_id: place for place in educator.departments}
        wanted = {row.department_id: row for row in served}
        for department_id, place in before.items():
            # What was declined stays to be read until it is asked for again.
            if department_id not in wanted and place.declined_utc is None:
                educator.departments.remove(place)
        for department_id, row in wanted.items():
            found = before.get(department_id)
            if found is None:
                department = self._departments[department_id]
                educator.departments.append(
                    EducatorDepartment(department=department, is_remote=row.is_remote)
                )
                continue
            found.is_remote = row.is_remote
            if found.declined_utc is not None:
                found.declined_utc, found.answered_by_id = None, None

    def _supervise(self, educator: Educator, supervises: Collection[tuple[str, str | None]]) -> None:
        wanted = set(supervises)
        before = {
            (row.learner_group.key, row.stage.key if row.stage else None): row for row in educator.groups
        }
        for pair, row in before.items():
            if pair not in wanted:
                educator.groups.remove(row)
        for group_key, stage_key in sorted(wanted - set(before), key=lambda pair: (pair[0], pair[1] or "")):
            group = self._groups[group_key]
            stage = next((row for row in group.stages if row.key == stage_key), None)
            educator.groups.append(EducatorGroup(learner_group=group, stage=stage))


def wrong_details(
    details: EducatorDetails, departments: Collection[int], groups: Mapping[str, LearnerGroup]
) -> dict[str, str]:
    """What cannot be right, by field, in words."""
    wrong: dict[str, str] = {}
    if not details.name.strip():
        wrong["name"] = "Enter the educator's name"
    elif len(details.name.strip()) > LONGEST_NAME:
        wrong["name"] = f"Use at most {LONGEST_NAME} characters"
    if not (
        details.wte.is_finite() and 0 <= details.wte <= MOST_WTE and round(details.wte, 2) == details.wte
    ):
        wrong["wte"] = f"Enter a number from 0 to {MOST_WTE} with at most two decimals, such as 0.8"
    if not details.days or not set(details.days) <= set(range(7)):
        wrong["days"] = "Choose at least one day of the week"
    if details.most_at_once is not None and not 1 <= details.most_at_once <= MOST_LEARNERS:
        wrong["most_at_once"] = f"Enter a whole number from 1 to {MOST_LEARNERS}, or nothing for no limit"
    if len(details.accreditation.strip()) > LONGEST_NAME:
        wrong["accreditation"] = f"Use at most {LONGEST_NAME} characters"
    if not details.departments:
        wrong["here"] = "Choose at least one department"
    elif len({row.department_id for row in details.departments}) < len(details.departments):
        wrong["elsewhere"] = "Choose each department once"
    elif any(row.department_id not in departments for row in details.departments):
        wrong["elsewhere"] = "Choose departments from the list"
    for group_key, stage_key in details.supervises:
        group = groups.get(group_key)
        if group is None or (stage_key is not None and stage_key not in {row.key for row in group.stages}):
            wrong["supervises"] = "Choose learners from the list"
    return wrong


def _colleagues(tx: Transaction, viewer: Viewer) -> list[Educator]:
    """Those who are on the list of the person's organisation, by themselves."""
    mine = select(Educator).where(Educator.is_active)
    if viewer.trust_id is not None:
        return list(tx.session.scalars(mine.where(Educator.trust_id == viewer.trust_id)))
    return list(tx.session.scalars(mine.where(Educator.network_id == viewer.network_id)))


def _days(absence: Absence) -> str:
    first, last = absence.first_day, absence.last_day
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"


def _sentences(wrong: Mapping[str, str]) -> str:
    return " ".join(f"{words}." for words in dict.fromkeys(wrong.values()))
