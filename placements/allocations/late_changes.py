"""What trusts approved after the data of a run were frozen: the match and what was published know nothing of
it yet, so it is shown until a run takes it in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import publications_of_round
from placements.capacity.comparing import Step, steps, summary, week_words
from placements.capacity.content import Content
from placements.capacity.models import Declaration, DeclarationRecord
from placements.capacity.queries import line_keys_of, line_words, visible_declarations
from placements.cohorts.models import Requirement
from placements.organisations.models import Department
from placements.organisations.queries import learner_groups, supervision_models, visible_departments
from placements.rounds.models import Block
from placements.scenarios.models import Placing, Run
from placements.scenarios.queries import frozen_utc, latest_finished_run
from placements.web.formats import count


@dataclass(frozen=True)
class LateChange:
    """A department whose approved figures differ from those that a run used: `words` say how, `learners` are
    placed there in the `weeks` that changed (none: all of them), by the ids of `requirements`; `by` approved
    it. `cut` are those of them in whose weeks fewer places are offered."""

    department: Department
    words: str
    learners: int
    approved_utc: datetime
    by: str = ""
    requirements: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()
    weeks: frozenset[date] = frozenset()

    @property
    def sentence(self) -> str:
        """ "week of 4 Jan 3 to 1; 2 learners are placed there"."""
        if not self.learners:
            return f"{self.words}; nobody is placed there in those weeks"
        return f"{self.words}; {count(self.learners, 'learner is', 'learners are')} placed there"


def since_publication(session: Session, viewer: Viewer, publication: Publication) -> list[LateChange]:
    """What changed since the run behind a publication that the person sees, by site."""
    run = session.get_one(Run, publication.run_id)

    def placed(department_ids: Collection[int]) -> list[_Placed]:
        lines = session.execute(
            select(
                PublicationLine.requirement_id,
                PublicationLine.department_id,
                PublicationLine.first_week,
                PublicationLine.weeks,
                PublicationLine.hei_id,
                PublicationLine.learner_reference,
            ).where(
                PublicationLine.publication_id == publication.id,
                PublicationLine.department_id.in_(department_ids),
            )
        )
        return [
            _Placed(requirement, department_id or 0, (hei_id, reference), first_week, weeks)
            for requirement, department_id, first_week, weeks, hei_id, reference in lines
        ]

    return _changes(session, viewer, publication.round_id, frozen_utc(session, run), placed)


def since_run(session: Session, viewer: Viewer, run: Run) -> list[LateChange]:
    """What changed since a finished run's data were frozen, by site; the caller has been let see the run."""

    def placed(department_ids: Collection[int]) -> list[_Placed]:
        rows = session.execute(
            select(
                Placing.requirement_id,
                Placing.department_id,
                Requirement.learner_id,
                Block.first_week,
                Block.weeks,
            )
            .join(Placing.requirement)
            .join(Placing.block)
            .where(Placing.run_id == run.id, Placing.department_id.in_(department_ids))
        )
        return [
            _Placed(requirement, department_id or 0, (0, str(learner_id)), first_week, weeks)
            for requirement, department_id, learner_id, first_week, weeks in rows
        ]

    return _changes(session, viewer, run.round_id, frozen_utc(session, run), placed)


def marks(session: Session, viewer: Viewer, round_id: int) -> Mapping[int, str]:
    """For the board, by department's id: what changed since the newest finished run; for those who see no
    runs, since the newest publication."""
    if viewer.may(Action.SEE_RUNS):
        run = latest_finished_run(session, round_id)
        found = since_run(session, viewer, run) if run else []
    else:
        publications = publications_of_round(session, viewer, round_id)
        found = since_publication(session, viewer, publications[0]) if publications else []
    return {change.department.id: change.sentence[0].upper() + change.sentence[1:] for change in found}


@dataclass(frozen=True)
class _Placed:
    requirement_id: int
    department_id: int
    learner: tuple[int, str]
    first_week: date
    weeks: int

    def is_there_in(self, changed: Collection[date]) -> bool:
        return any(self.first_week + timedelta(weeks=index) in changed for index in range(self.weeks))


def _changes(
    session: Session,
    viewer: Viewer,
    round_id: int,
    frozen_utc: datetime,
    placed: Callable[[Collection[int]], list[_Placed]],
) -> list[LateChange]:
    """`placed` says who is placed in some departments: asked only where something changed."""
    late = _approved_since(session, viewer, round_id, frozen_utc)
    if not late:
        return []
    now = _approvals(session, late)
    then = _approvals(session, late, until=frozen_utc)
    departments = session.scalars(visible_departments(viewer).where(Department.id.in_(now))).unique()
    groups = learner_groups(session)
    lines = {key: line_words(key, groups) for key in line_keys_of(groups)}
    models = {model.key: model.name for model in supervision_models(session)}
    there = placed(late)
    found = []
    for department in departments:
        record = now[department.id]
        before = _content(then.get(department.id))
        after = _content(record)
        changed = steps(before, after)
        if not changed:
            continue
        weeks = {week for step in changed for week in step.weeks}
        cut = {week for step in changed if _is_cut(step) for week in step.weeks}
        words = _places_words(before, after, weeks) or "; ".join(summary(changed, lines, models))
        touched = [
            row
            for row in there
            if row.department_id == department.id and (not weeks or row.is_there_in(weeks))
        ]
        found.append(
            LateChange(
                department,
                words,
                len({row.learner for row in touched}),
                record.at_utc,
                record.by_name,
                frozenset(row.requirement_id for row in touched),
                frozenset(row.requirement_id for row in touched if row.is_there_in(cut)),
                frozenset(weeks),
            )
        )
    return found


def _is_cut(step: Step) -> bool:
    """Whether a step takes places away."""
    return step.column in ("maximum", "surge") and Decimal(step.after or 0) < Decimal(step.before or 0)


def _places_words(before: Content, after: Content, weeks: Collection[date]) -> str:
    """How the most places of all lines together changed: "weeks of 4 Jan to 18 Jan 3 to 1"."""
    changed: dict[tuple[int, int], list[date]] = {}
    for week in sorted(weeks):
        pair = before.total(week).maximum, after.total(week).maximum
        if pair[0] != pair[1]:
            changed.setdefault(pair, []).append(week)
    return ", ".join(
        f"week{'s' if len(weeks) > 1 else ''} of {week_words(weeks)} {old} to {new}"
        for (old, new), weeks in changed.items()
    )


def _content(record: DeclarationRecord | None) -> Content:
    return Content.from_json(record.content) if record is not None and record.content else Content()


def _approved_since(session: Session, viewer: Viewer, round_id: int, since_utc: datetime) -> list[int]:
    """The declarations that the person sees of which one version or more was approved after a moment."""
    visible: Select[int] = (
        visible_declarations(viewer)
        .where(Declaration.round_id == round_id)
        .with_only_columns(Declaration.id)
        .order_by(None)
    )
    return list(
        session.scalars(
            select(DeclarationRecord.declaration_id)
            .where(
                DeclarationRecord.verb == "approve",
                DeclarationRecord.at_utc > since_utc,
                DeclarationRecord.declaration_id.in_(visible),
            )
            .distinct()
        )
    )


def _approvals(
    session: Session, declaration_ids: Collection[int], until: datetime | None = None
) -> dict[int, DeclarationRecord]:
    """The latest approval of each of some declarations, up to a moment, by department's id."""
    latest = (
        select(func.max(DeclarationRecord.id))
        .where(
            DeclarationRecord.verb == "approve", DeclarationRecord.declaration_id.in_(list(declaration_ids))
        )
        .group_by(DeclarationRecord.declaration_id)
    )
    if until is not None:
        latest = latest.where(DeclarationRecord.at_utc <= until)
    rows = session.execute(
        select(Declaration.department_id, DeclarationRecord)
        .join(DeclarationRecord.declaration)
        .where(DeclarationRecord.id.in_(latest))
    )
    return {department_id: record for department_id, record in rows}  # noqa: C416 - a type checker takes rows for no pairs
