"""The list of what a run proposes: filtered, in an order, and as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement, SQLColumnExpression

from placements.access import Viewer
from placements.cohorts.models import Cohort, Learner, LearnerPreference, Requirement
from placements.csv_files import csv_bytes
from placements.organisations.models import (
    Department,
    Hei,
    LearnerGroup,
    Modality,
    Programme,
    Site,
    Stage,
    Trust,
)
from placements.rounds.models import Block, PlanLine, Rotation
from placements.scenarios.describing import reasons_in_words
from placements.scenarios.models import Placing, Run
from placements.scenarios.published import Standing, published_places
from placements.scenarios.queries import visible_placings
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes

SHOWS = {"placed": "Placed", "unplaced": "Not placed"}
WISHES = {
    "first": "First choice",
    "three": "One of the first three",
    "listed": "Any that was listed",
    "unlisted": "None that was listed",
}
CHANGES = {
    "moved": "Moved or lost the place",
    "kept": "Same place as published",
    "new": "Not published before",
}
HEADS = (
    "Learner",
    "HEI",
    "Programme",
    "Learner group",
    "Stage",
    "Block",
    "First week",
    "Weeks",
    "Department",
    "Site",
    "Trust",
    "Minutes one way",
    "Minutes are",
    "Preference",
    "Since publication",
    "Why not placed",
)


@dataclass(frozen=True)
class PlacingFilter:
    """Which placings are wanted: None and "" let all through. Minutes are one way, both ends counted in."""

    show: str = ""
    block: int | None = None
    hei: int | None = None
    group: int | None = None
    stage: int | None = None
    trust: int | None = None
    site: int | None = None
    department: int | None = None
    least: int | None = None
    most: int | None = None
    wish: str = ""
    change: str = ""
    reference: str = ""


# The department's own tables by other names, since a placing's page joins the department too.
_Department, _Site, _Modality = aliased(Department), aliased(Site), aliased(Modality)
_Block, _Hei = aliased(Block), aliased(Hei)

# How the list can be ordered: what the heading says, and by what; who has no place comes last.
ORDERS: dict[str, tuple[str, tuple[SQLColumnExpression[Any], ...]]] = {
    "learner": ("Learner", (Learner.reference,)),
    "programme": ("Programme", (_Hei.name, Programme.name, Learner.reference)),
    "block": ("Block", (_Block.first_week, _Block.name)),
    "place": ("Place", (_Site.name, _Modality.name)),
    "travel": ("Travel one way", (Placing.travel_minutes,)),
}
# The nearest to how a round is thought of: block, HEI, learner.
USUAL = "block"


def page_of_placings(
    session: Session,
    viewer: Viewer,
    run: Run,
    only: PlacingFilter,
    sort: str = USUAL,
    *,
    page: int,
    size: int,
) -> tuple[list[Placing], int]:
    """One page of a run's placings with all that is said of each, and how many there are: filtered, in one of
    ORDERS (a minus before it turns it round), those alike by HEI, learner and id.

    Ids are put in order first and the page's rows fetched by them, since to sort 8,000 rows with all that
    belongs to each takes a database seconds.
    """
    ids = visible_placings(viewer).with_only_columns(Placing.id).where(Placing.run_id == run.id)
    standing = published_places(session, run.round_id) if only.change else {}
    found = narrowed(ids, only, standing=standing, session=session, run=run)
    total = session.scalar(select(func.count()).select_from(found.order_by(None).subquery())) or 0
    shown = list(session.scalars(_ordered(found, sort).limit(size).offset((page - 1) * size)))
    rows = {
        row.id: row for row in session.scalars(visible_placings(viewer).where(Placing.id.in_(shown))).unique()
    }
    return [rows[id_] for id_ in shown], total


def narrowed(
    rows: Select[*tuple[Any, ...]],
    only: PlacingFilter,
    *,
    standing: Mapping[int, Standing],
    session: Session,
    run: Run,
) -> Select[*tuple[Any, ...]]:
    """Rows over placings joined to requirement, learner and cohort, let through by a filter."""
    rows = (
        rows.join(Cohort.programme)
        .outerjoin(_Department, _Department.id == Placing.department_id)
        .outerjoin(_Site, _Site.id == _Department.site_id)
        .outerjoin(_Modality, _Modality.id == _Department.modality_id)
        .outerjoin(_Block, _Block.id == Placing.block_id)
        .join(_Hei, _Hei.id == Learner.hei_id)
    )
    for value, column in (
        (only.block, Placing.block_id),
        (only.hei, Learner.hei_id),
        (only.group, Programme.learner_group_id),
        (only.stage, Cohort.stage_id),
        (only.trust, _Site.trust_id),
        (only.site, _Department.site_id),
        (only.department, Placing.department_id),
    ):
        if value is not None:
            rows = rows.where(column == value)
    if only.show:
        is_placed = Placing.department_id.is_not(None)
        rows = rows.where(is_placed if only.show == "placed" else ~is_placed)
    if only.least is not None:
        rows = rows.where(Placing.travel_minutes >= only.least)
    if only.most is not None:
        rows = rows.where(Placing.travel_minutes <= only.most)
    if only.wish:
        rows = rows.where(*_wish(only.wish))
    if only.change:
        rows = rows.where(Placing.requirement_id.in_(_changed(session, run, only.change, standing)))
    if only.reference:
        part = only.reference.lower()
        rows = rows.where(func.lower(Learner.reference).contains(part, autoescape=True))
    return rows


def change_of(
    department_id: int | None, first_week: date | None, *, floats: bool, stands: Standing | None
) -> str:
    """One of CHANGES: what a placing does to what is published of its requirement. One that floats has moved
    too where it is in another block."""
    if stands is None:
        return "new"
    if department_id != stands.department_id:
        return "moved"
    return "moved" if floats and first_week != stands.first_week else "kept"


def placings_csv(session: Session, viewer: Viewer, run: Run, only: PlacingFilter, sort: str) -> bytes:
    """The list as a CSV."""
    return csv_bytes([HEADS, *_lines(session, viewer, run, only, sort)])


def placings_xlsx(session: Session, viewer: Viewer, run: Run, only: PlacingFilter, sort: str) -> bytes:
    """The list as a workbook."""
    rows: list[tuple[Value, ...]] = [HEADS, *_lines(session, viewer, run, only, sort)]
    widths = (14, 30, 34, 24, 16, 22, 14, 8, 18, 34, 40, 10, 12, 12, 22, 60)
    return workbook_bytes([Page("Placings", rows, widths)])


def _lines(
    session: Session, viewer: Viewer, run: Run, only: PlacingFilter, sort: str
) -> Iterable[tuple[Value, ...]]:
    """Columns alone, not rows of tables: a file has all 8,000 of a region's year."""
    standing = published_places(session, run.round_id)
    visible = visible_placings(viewer).with_only_columns(Placing.id).order_by(None)
    columns = (
        select(
            Placing.id,
            Placing.requirement_id,
            Placing.department_id,
            Learner.reference,
            _Hei.name,
            Programme.name,
            LearnerGroup.name,
            Stage.name,
            _Block.name,
            _Block.first_week,
            _Block.weeks,
            Rotation.name,
            _Modality.name,
            _Site.name,
            Trust.name,
            Placing.travel_minutes,
            Placing.travel_is_estimated,
            Placing.preference_rank,
            Placing.reason,
        )
        .join(Placing.requirement)
        .join(Requirement.learner)
        .join(Learner.cohort)
        .where(Placing.run_id == run.id, Placing.id.in_(visible.where(Placing.run_id == run.id)))
    )
    found = (
        narrowed(columns, only, standing=standing, session=session, run=run)
        .join(LearnerGroup, LearnerGroup.id == Programme.learner_group_id)
        .join(Stage, Stage.id == Cohort.stage_id)
        .outerjoin(Trust, Trust.id == _Site.trust_id)
        .outerjoin(PlanLine, PlanLine.id == Requirement.plan_line_id)
        .outerjoin(Rotation, Rotation.id == PlanLine.rotation_id)
    )
    rows = session.execute(_ordered(found, sort)).all()
    why = reasons_in_words(session, {row[0]: row[-1] for row in rows if row[-1] is not None})
    for row in rows:
        (id_, requirement, department, reference, hei, programme, group, stage, block, first, weeks) = row[
            :11
        ]
        (rotation, modality, site, trust, minutes, is_estimated, rank, _) = row[11:]
        is_placed = department is not None
        yield (
            reference,
            hei,
            programme,
            group,
            stage,
            block or (f"{rotation}, any block" if rotation else ""),
            first,
            weeks,
            modality,
            site,
            trust,
            minutes,
            ("estimated" if is_estimated else "uploaded") if is_placed else None,
            rank,
            CHANGES[
                change_of(department, first, floats=rotation is not None, stands=standing.get(requirement))
            ]
            if standing
            else None,
            why.get(id_),
        )


def _ordered(rows: Select[*tuple[Any, ...]], sort: str) -> Select[*tuple[Any, ...]]:
    columns = ORDERS[sort.removeprefix("-")][1]
    turned = sort.startswith("-")
    return rows.order_by(None).order_by(
        columns[0].is_(None),
        *(column.desc() if turned else column for column in columns),
        _Hei.name,
        Learner.reference,
        Placing.id,
    )


def _wish(wish: str) -> list[ColumnElement[bool]]:
    if wish == "unlisted":
        listed = select(LearnerPreference.learner_id).where(LearnerPreference.learner_id == Learner.id)
        return [Placing.department_id.is_not(None), Placing.preference_rank.is_(None), listed.exists()]
    if wish == "listed":
        return [Placing.preference_rank.is_not(None)]
    return [Placing.preference_rank <= {"first": 1, "three": 3}[wish]]


def _changed(session: Session, run: Run, change: str, standing: Mapping[int, Standing]) -> list[int]:
    """The requirements of a run whose placing does this to what is published."""
    rows = session.execute(
        select(Placing.requirement_id, Placing.department_id, Block.first_week, PlanLine.rotation_id)
        .join(Placing.requirement)
        .outerjoin(Placing.block)
        .outerjoin(PlanLine, PlanLine.id == Requirement.plan_line_id)
        .where(Placing.run_id == run.id)
    )
    return [
        requirement
        for requirement, department, first_week, rotation in rows
        if change_of(department, first_week, floats=rotation is not None, stands=standing.get(requirement))
        == change
    ]
