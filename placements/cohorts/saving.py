"""Writing what a comparison found: learners, their sites, requirements and constraints, and nothing else."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import cast

from sqlalchemy import Select, Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from placements.clock import now_utc
from placements.cohorts.acceptance import OWN_COLUMNS, Comparison, LearnerValues
from placements.cohorts.constraints import companion_groups
from placements.cohorts.models import (
    Cohort,
    Companions,
    EarlierSite,
    Learner,
    LearnerExclusion,
    LearnerPreference,
    LearnerRecord,
    Requirement,
    companions_learner,
    learner_access_need,
)


def save_learners(session: Session, cohort: Cohort, hei_id: int, comparison: Comparison) -> None:
    """Write what the comparison found, and nothing else; ids of requirements that stay are kept."""
    records = records_of(session, hei_id, [values.reference for values in comparison.new])
    ids = list(
        session.scalars(
            # Blank values are written too: without them each row would be a statement of its own.
            insert(Learner)
            .returning(Learner.id, sort_by_parameter_order=True)
            .execution_options(render_nulls=True),
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
        new = {name: bindparam(f"new_{name}", type_=learner.c[name].type) for name in OWN_COLUMNS}
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
    _save_constraints(session, cohort, hei_id, comparison, ids, records)


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
            session.execute(insert(cast(Table, table.__table__)), rows)


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
            insert(cast(Table, Requirement.__table__)),
            [
                {"learner_id": learner_id, "block_id": blocks[line_id], "plan_line_id": line_id}
                for learner_id, line_id in added
            ],
        )


def _save_constraints(
    session: Session,
    cohort: Cohort,
    hei_id: int,
    comparison: Comparison,
    ids: Sequence[int],
    records: dict[str, int],
) -> None:
    """Access needs, earlier sites and companions, of those in whom they differ."""
    written = [
        (learner_id, records[values.reference.casefold()], values)
        for learner_id, values in zip(ids, comparison.new, strict=True)
    ]
    _save_access_needs(session, comparison, written)
    _save_earlier_sites(session, comparison, written)
    for kind in ("together", "apart"):
        _save_companions(session, cohort, hei_id, comparison, written, kind)
    ranked = [
        change.learner_id
        for change in comparison.changed
        if change.before.preferences != change.after.preferences
    ]
    if ranked:
        session.execute(
            update(Learner)
            .where(Learner.id.in_(ranked))
            .values(preferences_by="hei")
            .execution_options(synchronize_session=False)
        )


Written = Sequence[tuple[int, int, LearnerValues]]
"""New learners: id, record's id and values."""


def _save_access_needs(session: Session, comparison: Comparison, written: Written) -> None:
    differing = [
        change for change in comparison.changed if change.before.access_needs != change.after.access_needs
    ]
    if differing:
        session.execute(
            delete(learner_access_need).where(
                learner_access_need.c.learner_id.in_([change.learner_id for change in differing])
            )
        )
    rows = [
        {"learner_id": learner_id, "access_need_id": need_id}
        for learner_id, values in (
            *((learner_id, values) for learner_id, _, values in written),
            *((change.learner_id, change.after) for change in differing),
        )
        for need_id in sorted(values.access_needs)
    ]
    if rows:
        session.execute(insert(learner_access_need), rows)


def _save_earlier_sites(session: Session, comparison: Comparison, written: Written) -> None:
    differing = [
        (change.record_id, change.after)
        for change in comparison.changed
        if change.before.earlier_sites != change.after.earlier_sites
    ]
    # A record may be older than this round's learner: what the file does not speak of stays.
    differing += [(record_id, values) for _, record_id, values in written if values.earlier_sites]
    if not differing:
        return
    session.execute(
        delete(EarlierSite)
        .where(EarlierSite.record_id.in_([record_id for record_id, _ in differing]))
        .execution_options(synchronize_session=False)
    )
    rows = [
        {"record_id": record_id, "site_id": site_id, "placements": times}
        for record_id, values in differing
        for site_id, times in sorted(values.earlier_sites)
    ]
    if rows:
        session.execute(insert(EarlierSite), rows)


def _save_companions(
    session: Session, cohort: Cohort, hei_id: int, comparison: Comparison, written: Written, kind: str
) -> None:
    """Whoever's companions differ leaves every group of the kind, and is put into new ones, which take the
    place of those that they hold whole."""
    differing = {
        change.learner_id: getattr(change.after, kind)
        for change in comparison.changed
        if getattr(change.before, kind) != getattr(change.after, kind)
    }
    wanted = differing | {id_: getattr(values, kind) for id_, _, values in written if getattr(values, kind)}
    if not wanted:
        return
    of_kind = select(Companions.id).where(
        Companions.round_id == cohort.round_id, Companions.hei_id == hei_id, Companions.kind == kind
    )
    if differing:
        session.execute(
            delete(companions_learner).where(
                companions_learner.c.learner_id.in_(differing),
                companions_learner.c.companions_id.in_(of_kind),
            )
        )
    by_reference = {
        reference.casefold(): id_
        for id_, reference in session.execute(
            select(Learner.id, Learner.reference).where(
                Learner.round_id == cohort.round_id, Learner.hei_id == hei_id
            )
        )
    }
    groups = companion_groups(
        kind,
        [
            (id_, by_reference[other])
            for id_, others in wanted.items()
            for other in others
            if other in by_reference
        ],
    )
    _drop_groups(session, of_kind, groups)
    if not groups:
        return
    made = session.scalars(
        insert(Companions).returning(Companions.id, sort_by_parameter_order=True),
        [{"round_id": cohort.round_id, "hei_id": hei_id, "kind": kind, "version": 1} for _ in groups],
    )
    session.execute(
        insert(companions_learner),
        [
            {"companions_id": made_id, "learner_id": learner_id}
            for made_id, group in zip(made, groups, strict=True)
            for learner_id in sorted(group)
        ],
    )


def _drop_groups(session: Session, of_kind: Select[int], groups: Sequence[frozenset[int]]) -> None:
    """Take away the groups of a kind in which fewer than two are left, or who are all in one of these."""
    members: dict[int, set[int]] = {id_: set() for id_ in session.scalars(of_kind)}
    for companions_id, learner_id in session.execute(
        select(companions_learner).where(companions_learner.c.companions_id.in_(of_kind))
    ):
        members[companions_id].add(learner_id)
    of_learner: dict[int, list[frozenset[int]]] = defaultdict(list)
    for group in groups:
        for learner_id in group:
            of_learner[learner_id].append(group)
    gone = [
        id_
        for id_, ids in members.items()
        if len(ids) < 2 or any(ids <= group for group in of_learner[min(ids)])
    ]
    session.execute(delete(companions_learner).where(companions_learner.c.companions_id.in_(gone)))
    session.execute(
        delete(Companions).where(Companions.id.in_(gone)).execution_options(synchronize_session=False)
    )


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
