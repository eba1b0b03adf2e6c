"""The worklist's own sources: places and educators' time changed, learners changed, locks made, places given
back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Action, Viewer
from placements.accounts.models import Person
from placements.allocations import late_changes, late_learners
from placements.allocations.models import Publication, PublicationLine
from placements.audit.models import AuditEntry
from placements.cohorts.models import Learner, Requirement
from placements.educators.models import Absence, Educator, EducatorDepartment
from placements.educators.queries import visible_educators
from placements.organisations.models import Department, Site
from placements.repairs.models import ReturnedPlace
from placements.repairs.worklist import Item, locks_left_out, register
from placements.scenarios.frozen import key_of_lock, keys_of_run
from placements.scenarios.models import Lock, Run
from placements.scenarios.queries import frozen_utc
from placements.web.formats import count, day, friday

ORIGINS = {"lead": "Lock", "decline": "Declined by the trust", "appeal": "Appeal upheld"}
# Of a lock on many places so many are named.
MOST_NAMED = 3


def places_changed(
    session: Session, viewer: Viewer, publication: Publication, run: Run, on: date
) -> Iterator[Item]:
    """Figures approved since, for weeks that are not over."""
    for change in late_changes.since_publication(session, viewer, publication):
        if change.weeks and friday(max(change.weeks)) < on:
            continue
        yield Item(
            key=f"places:{change.department.id}",
            kind="Places changed",
            who=change.department.name,
            words=f"approved places changed: {change.words}",
            by=change.by,
            at_utc=change.approved_utc,
            touched=change.requirements,
            page=(
                "capacity.see_history",
                {"round_id": publication.round_id, "department_id": change.department.id},
            ),
        )


def educators_changed(
    session: Session, viewer: Viewer, publication: Publication, run: Run, on: date
) -> Iterator[Item]:
    """Educators of whom anything was recorded since that bears on the weeks ahead: above all days away."""
    first_day, last_day = max(on, publication.round.first_week), friday(publication.round.last_week)
    rows = list(
        session.scalars(
            visible_educators(viewer)
            .where(Educator.changed_utc > frozen_utc(session, run))
            .options(
                selectinload(Educator.absences),
                selectinload(Educator.departments).joinedload(EducatorDepartment.department),
                joinedload(Educator.changed_by),
            )
        ).unique()
    )
    other = _changed_otherwise(session, [row.id for row in rows], frozen_utc(session, run))
    serves = {row.id: [place.department_id for place in row.departments] for row in rows}
    there: dict[int, list[tuple[int, date, date]]] = defaultdict(list)
    lines = session.execute(
        select(
            PublicationLine.department_id,
            PublicationLine.requirement_id,
            PublicationLine.first_week,
            PublicationLine.weeks,
        ).where(
            PublicationLine.publication_id == publication.id,
            PublicationLine.department_id.in_({key for keys in serves.values() for key in keys}),
        )
    )
    for department_id, requirement_id, first, weeks in lines:
        last = first + timedelta(weeks=weeks, days=-1)
        there[department_id or 0].append((requirement_id, first, last))
    for row in rows:
        absences = [x for x in row.absences if x.last_day >= first_day and x.first_day <= last_day]
        if row.is_active and not absences and row.id not in other:
            continue
        touched = {
            requirement
            for department_id in serves[row.id]
            for requirement, first, last in there[department_id]
            if not absences or any(x.first_day <= last and x.last_day >= first for x in absences)
        }
        yield Item(
            key=f"educator:{row.id}",
            kind="Educator",
            who=row.name,
            words=_educator_words(row, absences),
            by=row.changed_by.name if row.changed_by else "",
            at_utc=row.changed_utc,
            touched=frozenset(touched),
            page=("educators.see_educator", {"educator_id": row.id}),
        )


def _changed_otherwise(session: Session, educator_ids: Collection[int], since_utc: datetime) -> set[int]:
    """The educators of whom more than days away was recorded since: what was is told by the record alone."""
    entry = AuditEntry
    rows = session.scalars(
        select(entry.subject_id).where(
            entry.at_utc > since_utc,
            entry.action != Action.RECORD_ABSENCE.value,
            entry.subject == Educator.__tablename__,
            entry.subject_id.in_(educator_ids),
        )
    )
    return {row for row in rows if row is not None}


def _educator_words(educator: Educator, absences: Sequence[Absence]) -> str:
    departments = ", ".join(place.department.name for place in educator.departments[:MOST_NAMED])
    if not educator.is_active:
        return f"no longer supervises ({departments})"
    if absences:
        away = ", ".join(f"{day(row.first_day)} to {day(row.last_day)}" for row in absences)
        return f"away from {away} ({departments})"
    return f"time, days or departments changed ({departments})"


def learners_changed(
    session: Session, viewer: Viewer, publication: Publication, run: Run, on: date
) -> Iterator[Item]:
    """Learners withdrawn, away, back, late or otherwise changed since."""
    for row in late_learners.since_publication(session, viewer, publication):
        if row.learner_id:
            kind, number, page = "Learner", row.learner_id, "learners.see_learner"
        else:
            kind, number, page = "Cohort", row.cohort_id or 0, "cohorts.see_cohort"
        yield Item(
            key=f"{kind.lower()}:{number}",
            kind=kind,
            who=row.who,
            words=row.words,
            by="",
            at_utc=row.at_utc or frozen_utc(session, run),
            touched=row.given_up,
            wanted=row.wanted,
            page=(page, {f"{kind.lower()}_id": number}),
        )


def locks_made(
    session: Session, viewer: Viewer, publication: Publication, run: Run, on: date
) -> Iterator[Item]:
    """Pins and bans in force that the published run was not asked for with: one item for all locks of a
    decline or an appeal."""
    left_out, known = locks_left_out(session, run), keys_of_run(run)
    rows = session.scalars(
        select(Lock)
        .where(
            Lock.round_id == publication.round_id,
            Lock.lifted_utc.is_(None),
            (Lock.scenario_id.is_(None)) | (Lock.scenario.has(is_default=True)),
            (Lock.made_utc > frozen_utc(session, run)) | Lock.id.in_(left_out),
        )
        .options(
            joinedload(Lock.requirement).options(
                joinedload(Requirement.block),
                joinedload(Requirement.learner).joinedload(Learner.hei),
            ),
            joinedload(Lock.site),
            joinedload(Lock.department).options(
                joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality)
            ),
        )
        .order_by(Lock.id)
    )
    grouped: dict[str, list[Lock]] = defaultdict(list)
    for row in rows:
        if key_of_lock(row) in known:
            continue
        own = row.origin == "lead" or row.origin_id is None
        grouped[f"lock:{row.id}" if own else f"{row.origin}:{row.origin_id}"].append(row)
    published = _published(session, publication, {row.requirement_id for x in grouped.values() for row in x})
    names = _names(session, [row.made_by_id for x in grouped.values() for row in x])
    for key, locks in grouped.items():
        first = locks[0]
        learner = first.requirement.learner
        yield Item(
            key=key,
            kind=ORIGINS[first.origin],
            who=f"{learner.reference}, {learner.hei.name}",
            words=_lock_words(locks),
            by=names.get(first.made_by_id or 0, ""),
            at_utc=max(row.made_utc for row in locks),
            touched=frozenset({row.requirement_id for row in locks} & published),
            about=frozenset(row.requirement_id for row in locks),
            locks=tuple(row.id for row in locks),
            lock_keys=frozenset(key_of_lock(row) for row in locks),
        )


def _lock_words(locks: Sequence[Lock]) -> str:
    first = locks[0]
    places = [row.department.name if row.department else row.site.name if row.site else "" for row in locks]
    named = ", ".join(places[:MOST_NAMED])
    if len(places) > MOST_NAMED:
        named += f" and {count(len(places) - MOST_NAMED, 'other place')}"
    held = "only at" if first.kind == "pin" else "not at"
    return f"{first.requirement.when}: {held} {named}. {first.reason}".strip()


def places_given_back(
    session: Session, viewer: Viewer, publication: Publication, run: Run, on: date
) -> Iterator[Item]:
    """Places given back at the freeze by learners who are not clear yet."""
    rows = session.scalars(
        select(ReturnedPlace)
        .where(
            ReturnedPlace.round_id == publication.round_id,
            ReturnedPlace.returned_utc > frozen_utc(session, run),
            ReturnedPlace.cleared_utc.is_(None),
        )
        .options(
            joinedload(ReturnedPlace.requirement).joinedload(Requirement.learner).joinedload(Learner.hei),
            joinedload(ReturnedPlace.department).options(
                joinedload(Department.site), joinedload(Department.modality)
            ),
        )
    )
    for row in rows:
        learner = row.requirement.learner
        missing = f" ({row.missing})" if row.missing else ""
        yield Item(
            key=f"returned:{row.id}",
            kind="Place given back",
            who=f"{learner.reference}, {learner.hei.name}",
            words=f"not clear at the freeze{missing}: the place at {row.department.name} is free",
            by="",
            at_utc=row.returned_utc,
            touched=frozenset({row.requirement_id}),
        )


def _published(session: Session, publication: Publication, requirements: Iterable[int]) -> set[int]:
    """Those that the publication places somewhere."""
    return set(
        session.scalars(
            select(PublicationLine.requirement_id).where(
                PublicationLine.publication_id == publication.id,
                PublicationLine.department_id.is_not(None),
                PublicationLine.requirement_id.in_(requirements),
            )
        )
    )


def _names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_([x for x in ids if x])))
    return {person_id: name for person_id, name in rows}  # noqa: C416 - rows are no pairs to a type checker


register("places", places_changed)
register("educators", educators_changed)
register("learners", learners_changed)
register("locks", locks_made)
register("given back", places_given_back)
