"""What accepting an upload does: its rows compared with the learners that the round already has.

The preview shows a `Comparison`, and accepting saves the same one, so that what was seen is what is done.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from sqlalchemy import Table, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from placements.clock import now_utc
from placements.cohorts.models import (
    Cohort,
    Learner,
    LearnerExclusion,
    LearnerPreference,
    LearnerRecord,
    Requirement,
    Upload,
)
from placements.cohorts.queries import (
    cohort_of_upload,
    exclusions_by_learner,
    plan_of_stage,
    preferences_by_learner,
    trusts_of_network,
)
from placements.cohorts.uploads import LearnerRow
from placements.organisations.models import Programme, Stage
from placements.organisations.queries import sites_of_network
from placements.rounds.models import PlanLine


@dataclass(frozen=True)
class LearnerValues:
    """All that is saved of a learner: sites and trust by id, and the plan lines of the blocks needed."""

    reference: str
    postcode: str
    term_postcode: str | None
    travel_mode: str
    travel_limit_minutes: int | None
    employer_trust_id: int | None
    available_from: date | None
    priority: int | None
    preferences: tuple[int, ...]
    exclusions: frozenset[int]
    plan_lines: frozenset[int]
    released: bool = False
    accommodation: bool = False
    available_until: date | None = None
    priority_reason: str = ""
    weekdays: str | None = None

    @property
    def columns(self) -> dict[str, object]:
        """The values that stand in the learner's own row."""
        return {name: getattr(self, name) for name in _OWN_COLUMNS}


_OWN_COLUMNS = (
    "reference",
    "postcode",
    "term_postcode",
    "travel_mode",
    "travel_limit_minutes",
    "employer_trust_id",
    "available_from",
    "priority",
    "released",
    "accommodation",
    "available_until",
    "priority_reason",
    "weekdays",
)


@dataclass(frozen=True)
class Change:
    """A learner who is there already, and is to become something else."""

    learner_id: int
    before: LearnerValues
    after: LearnerValues


@dataclass(frozen=True)
class Clash:
    """A row whose reference stands in another cohort of the same HEI and round."""

    line: int
    reference: str
    cohort: str


@dataclass(frozen=True)
class Comparison:
    """What accepting would do, row by row; it cannot be done where there are `clashes` or `unknown` names."""

    cohort: Cohort | None
    plan: tuple[PlanLine, ...]
    new: tuple[LearnerValues, ...]
    changed: tuple[Change, ...]
    unchanged: int
    staying: tuple[str, ...]
    without_block: tuple[LearnerRow, ...]
    clashes: tuple[Clash, ...]
    unknown: tuple[str, ...]
    outcome_by_line: dict[int, str]

    @property
    def changes_anything(self) -> bool:
        return bool(self.new or self.changed)

    @property
    def is_possible(self) -> bool:
        return not self.clashes and not self.unknown


def compare(session: Session, upload: Upload, rows: Sequence[LearnerRow]) -> Comparison:
    """The rows of an upload against what is there; the caller has been let see the upload."""
    cohort = cohort_of_upload(session, upload)
    plan = plan_of_stage(session, upload.round_id, upload.programme_id, upload.stage_id)
    network_id = upload.round.network_id
    sites = {site.name: site.id for site in sites_of_network(session, network_id)}
    trusts = {trust.ods: trust.id for trust in trusts_of_network(session, network_id)}
    named = {name for row in rows for name in (*row.preferences, *row.excluded_sites)}
    employers = {row.employer for row in rows if row.employer}
    unknown = (*sorted(named - sites.keys()), *sorted(employers - trusts.keys()))

    existing = _existing(session, cohort) if cohort is not None else {}
    elsewhere = _elsewhere(session, upload, cohort)
    new: list[LearnerValues] = []
    changed: list[Change] = []
    unchanged = 0
    outcome: dict[int, str] = {}
    for row in rows if not unknown else ():
        found = existing.pop(row.reference.casefold(), None)
        values = _values(row, plan, sites, trusts, found[1] if found is not None else None)
        if row.reference.casefold() in elsewhere:
            outcome[row.line] = "in another cohort"
            continue
        if found is None:
            new.append(values)
            outcome[row.line] = "new"
        elif found[1] == values:
            unchanged += 1
            outcome[row.line] = "unchanged"
        else:
            changed.append(Change(found[0], before=found[1], after=values))
            outcome[row.line] = "changed"
    return Comparison(
        cohort=cohort,
        plan=tuple(plan),
        new=tuple(new),
        changed=tuple(changed),
        unchanged=unchanged,
        staying=tuple(sorted(values.reference for _, values in existing.values())),
        without_block=tuple(row for row in rows if not _lines_for(row, plan)),
        clashes=tuple(
            Clash(row.line, row.reference, elsewhere[row.reference.casefold()])
            for row in rows
            if row.reference.casefold() in elsewhere
        ),
        unknown=unknown,
        outcome_by_line=outcome,
    )


def save_learners(session: Session, cohort: Cohort, hei_id: int, comparison: Comparison) -> None:
    """Write what the comparison found, and nothing else; ids of requirements that stay are kept."""
    records = records_of(session, hei_id, [values.reference for values in comparison.new])
    ids = list(
        session.scalars(
            insert(Learner).returning(Learner.id, sort_by_parameter_order=True),
            [
                {
                    "cohort_id": cohort.id,
                    "round_id": cohort.round_id,
                    "hei_id": hei_id,
                    "record_id": records[values.reference.casefold()],
                    **values.columns,
                }
                for values in comparison.new
            ],
        )
        if comparison.new
        else ()
    )
    if comparison.changed:
        # In one statement for all: the ORM's own would have to be told each row's version.
        learner = cast(Table, Learner.__table__)
        new = {name: bindparam(f"new_{name}", type_=learner.c[name].type) for name in _OWN_COLUMNS}
        session.connection().execute(
            learner.update()
            .where(learner.c.id == bindparam("learner_id"))
            .values(version=learner.c.version + 1, changed_utc=now_utc(), **new),
            [
                {
                    "learner_id": change.learner_id,
                    **{f"new_{name}": value for name, value in change.after.columns.items()},
                }
                for change in comparison.changed
            ],
        )
        session.expire_all()
    _save_sites(session, comparison, ids)
    _save_requirements(session, comparison, ids)


def _save_sites(session: Session, comparison: Comparison, ids: Sequence[int]) -> None:
    """Ranked and excluded sites: of a changed learner the old ones go and the new ones come."""
    written = list(zip(ids, comparison.new, strict=True))
    for column in ("preferences", "exclusions"):
        differing = [
            change
            for change in comparison.changed
            if getattr(change.before, column) != getattr(change.after, column)
        ]
        table = LearnerPreference if column == "preferences" else LearnerExclusion
        if differing:
            session.execute(
                delete(table)
                .where(table.learner_id.in_([change.learner_id for change in differing]))
                .execution_options(synchronize_session=False)
            )
        values = [*written, *((change.learner_id, change.after) for change in differing)]
        if column == "preferences":
            rows = [
                {"learner_id": learner_id, "rank": rank, "site_id": site_id}
                for learner_id, learner in values
                for rank, site_id in enumerate(learner.preferences, start=1)
            ]
        else:
            rows = [
                {"learner_id": learner_id, "site_id": site_id}
                for learner_id, learner in values
                for site_id in sorted(learner.exclusions)
            ]
        if rows:
            session.execute(insert(table), rows)


def _save_requirements(session: Session, comparison: Comparison, ids: Sequence[int]) -> None:
    blocks = {line.id: line.block_id for line in comparison.plan}
    added = [
        (learner_id, line_id)
        for learner_id, values in zip(ids, comparison.new, strict=True)
        for line_id in sorted(values.plan_lines)
    ]
    for change in comparison.changed:
        gone = change.before.plan_lines - change.after.plan_lines
        if gone:
            session.execute(
                delete(Requirement)
                .where(Requirement.learner_id == change.learner_id, Requirement.plan_line_id.in_(gone))
                .execution_options(synchronize_session=False)
            )
        added += [
            (change.learner_id, line_id)
            for line_id in sorted(change.after.plan_lines - change.before.plan_lines)
        ]
    if added:
        session.execute(
            insert(Requirement),
            [
                {"learner_id": learner_id, "block_id": blocks[line_id], "plan_line_id": line_id}
                for learner_id, line_id in added
            ],
        )


def _lines_for(row: LearnerRow, plan: Sequence[PlanLine]) -> frozenset[int]:
    """The plan lines of the blocks that begin once the learner is there."""
    return frozenset(
        line.id
        for line in plan
        if row.available_from is None
        or any(block.first_week >= row.available_from for block in line.possible_blocks)
    )


def _values(
    row: LearnerRow,
    plan: Sequence[PlanLine],
    sites: dict[str, int],
    trusts: dict[str, int],
    before: LearnerValues | None,
) -> LearnerValues:
    """What a row makes of a learner; what it does not speak of stays as it was."""
    employer_trust_id = trusts[row.employer] if row.employer else None
    return LearnerValues(
        reference=row.reference,
        postcode=row.postcode,
        term_postcode=row.term_postcode,
        travel_mode=row.travel_mode,
        travel_limit_minutes=row.travel_limit_minutes,
        employer_trust_id=employer_trust_id,
        available_from=row.available_from,
        priority=row.priority,
        preferences=tuple(sites[name] for name in row.preferences),
        exclusions=frozenset(sites[name] for name in row.excluded_sites),
        plan_lines=_lines_for(row, plan),
        released=before is not None and before.released and employer_trust_id is not None,
        accommodation=before is not None and before.accommodation,
        available_until=before.available_until if before is not None else None,
        priority_reason=before.priority_reason if before is not None else "",
        weekdays=before.weekdays if before is not None else None,
    )


def _existing(session: Session, cohort: Cohort) -> dict[str, tuple[int, LearnerValues]]:
    """The cohort's learners as they are, by reference in any capitals."""
    mine = Learner.cohort_id == cohort.id
    preferences = preferences_by_learner(session, mine)
    exclusions = exclusions_by_learner(session, mine)
    plan_lines: dict[int, set[int]] = defaultdict(set)
    for learner_id, line_id in session.execute(
        select(Requirement.learner_id, Requirement.plan_line_id).join(Requirement.learner).where(mine)
    ):
        if line_id is not None:
            plan_lines[learner_id].add(line_id)
    columns = [getattr(Learner, name) for name in _OWN_COLUMNS]
    return {
        row.reference.casefold(): (
            row.id,
            LearnerValues(
                **{name: getattr(row, name) for name in _OWN_COLUMNS},
                preferences=tuple(preferences[row.id]),
                exclusions=frozenset(exclusions[row.id]),
                plan_lines=frozenset(plan_lines[row.id]),
            ),
        )
        for row in session.execute(select(Learner.id, *columns).where(mine))
    }


def records_of(session: Session, hei_id: int, references: Collection[str]) -> dict[str, int]:
    """The ids of an HEI's learner records by reference in small letters, made where there is none yet."""
    wanted = {reference.casefold() for reference in references}
    mine = select(LearnerRecord.reference_key, LearnerRecord.id).where(LearnerRecord.hei_id == hei_id)
    known = {key: record_id for key, record_id in session.execute(mine) if key in wanted}
    missing = sorted(wanted - known.keys())
    if missing:
        made = session.scalars(
            insert(LearnerRecord).returning(LearnerRecord.id, sort_by_parameter_order=True),
            [{"hei_id": hei_id, "reference_key": key} for key in missing],
        )
        known |= dict(zip(missing, made, strict=True))
    return known


def _elsewhere(session: Session, upload: Upload, cohort: Cohort | None) -> dict[str, str]:
    """References of the HEI's other cohorts in the round, with the name of each one's cohort."""
    rows = session.execute(
        select(Learner.reference, Programme.name, Stage.name, Cohort.intake)
        .join(Learner.cohort)
        .join(Cohort.programme)
        .join(Cohort.stage)
        .where(
            Learner.round_id == upload.round_id,
            Learner.hei_id == upload.hei_id,
            Learner.cohort_id != (cohort.id if cohort is not None else 0),
        )
    )
    return {
        reference.casefold(): f"{programme}, {stage}, {intake} intake"
        for reference, programme, stage, intake in rows
    }
