"""A declaration's content in its tables: read and written in a few statements for any number of departments,
without a row object for each week (a region has some 20,000 of them)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from placements.capacity.content import ANYONE, NOTHING, Content, Places
from placements.capacity.models import Declaration, DeclaredLine, DeclaredWeek, DeclaredWte
from placements.organisations.models import LearnerGroup, Stage, SupervisionModel

WEEKS = cast(Table, DeclaredWeek.__table__)
WTE = cast(Table, DeclaredWte.__table__)


def contents(session: Session, declaration_ids: Collection[int]) -> dict[int, Content]:
    """What these declarations say, by declaration's id; the caller has been let see them. Four statements."""
    models = session.execute(
        select(Declaration.id, SupervisionModel.key)
        .outerjoin(Declaration.supervision_model)
        .where(Declaration.id.in_(declaration_ids))
    )
    found: dict[int, Content] = {id_: Content({}, {}, model) for id_, model in models}
    weeks_of: dict[int, dict[date, Places]] = {}
    for declaration_id, line_id, key in _lines(session, declaration_ids):
        weeks_of[line_id] = found[declaration_id].lines[key] = {}  # type: ignore[index]  # our own, just made
    rows = session.execute(
        select(
            DeclaredWeek.line_id,
            DeclaredWeek.week,
            DeclaredWeek.preferred,
            DeclaredWeek.maximum,
            DeclaredWeek.surge,
        )
        .join(DeclaredLine, DeclaredLine.id == DeclaredWeek.line_id)
        .where(DeclaredLine.declaration_id.in_(declaration_ids))
    )
    for line_id, week, preferred, maximum, surge in rows:
        weeks_of[line_id][week] = Places(preferred, maximum, surge)
    educators = session.execute(
        select(DeclaredWte.declaration_id, DeclaredWte.week, DeclaredWte.wte).where(
            DeclaredWte.declaration_id.in_(declaration_ids)
        )
    )
    for declaration_id, week, wte in educators:
        found[declaration_id].wte[week] = wte  # type: ignore[index]  # our own, just made
    return found


def _lines(session: Session, declaration_ids: Collection[int]) -> Iterable[tuple[int, int, str]]:
    """Declaration's id, line's id and line's key."""
    rows = session.execute(
        select(DeclaredLine.declaration_id, DeclaredLine.id, LearnerGroup.key, Stage.key)
        .outerjoin(DeclaredLine.learner_group)
        .outerjoin(DeclaredLine.stage)
        .where(DeclaredLine.declaration_id.in_(declaration_ids))
        .order_by(DeclaredLine.id)
    )
    for declaration_id, line_id, group, stage in rows:
        yield declaration_id, line_id, f"{group}/{stage}" if stage else group or ANYONE


@dataclass(frozen=True)
class Revision:
    """A declaration that is there already, what is stored of it, and what shall be."""

    declaration: Declaration
    stored: Content
    content: Content


def write(
    session: Session, revisions: Sequence[Revision], weeks: Sequence[date], groups: Mapping[str, LearnerGroup]
) -> None:
    """Make the tables say `content`: a row for each of the round's weeks and for each line that has a figure
    (and for anyone), no others; only what differs is written."""
    lines = {
        (declaration_id, key): line_id
        for declaration_id, line_id, key in _lines(
            session, [revision.declaration.id for revision in revisions]
        )
    }
    wanted = {
        (revision.declaration.id, key)
        for revision in revisions
        for key in {ANYONE, *revision.content.lines}
        if key == ANYONE or any(places != NOTHING for places in revision.content.lines[key].values())
    }
    dropped = [line_id for line, line_id in lines.items() if line not in wanted]
    if dropped:
        session.execute(delete(DeclaredWeek).where(DeclaredWeek.line_id.in_(dropped)))
        session.execute(delete(DeclaredLine).where(DeclaredLine.id.in_(dropped)))
    # In the order of the content, which is how they were typed.
    new = [
        (revision.declaration.id, key)
        for revision in revisions
        for key in dict.fromkeys([ANYONE, *revision.content.lines])
        if (revision.declaration.id, key) in wanted and (revision.declaration.id, key) not in lines
    ]
    rows = [_new_line(declaration_id, key, groups) for declaration_id, key in new]
    session.add_all(rows)
    session.flush()
    lines |= {line: row.id for line, row in zip(new, rows, strict=True)}
    _write_places(session, revisions, weeks, {line: lines[line] for line in wanted})
    _write_wte(session, revisions, weeks)
    for revision in revisions:
        session.expire(revision.declaration, ["lines", "wte"])


def _new_line(declaration_id: int, key: str, groups: Mapping[str, LearnerGroup]) -> DeclaredLine:
    group_key, _, stage_key = key.partition("/")
    group = groups.get(group_key)
    stage = next((row for row in group.stages if row.key == stage_key), None) if group else None
    return DeclaredLine(
        declaration_id=declaration_id,
        learner_group_id=group.id if group else None,
        stage_id=stage.id if stage else None,
    )


def _write_places(
    session: Session,
    revisions: Sequence[Revision],
    weeks: Sequence[date],
    lines: Mapping[tuple[int, str], int],
) -> None:
    inserted, updated, gone = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    by_id = {revision.declaration.id: revision for revision in revisions}
    for (declaration_id, key), line_id in lines.items():
        revision = by_id[declaration_id]
        stored, told = revision.stored.lines.get(key, {}), revision.content.lines.get(key, {})
        for week in weeks:
            before, now = stored.get(week), told.get(week, NOTHING)
            if before != now:
                row = {"preferred": now.preferred, "maximum": now.maximum, "surge": now.surge}
                if before is None:
                    inserted.append({"line_id": line_id, "week": week} | row)
                else:
                    updated.append({"of": line_id, "on": week} | row)
        gone += [{"of": line_id, "on": week} for week in stored.keys() - set(weeks)]
    here = (WEEKS.c.line_id == bindparam("of")) & (WEEKS.c.week == bindparam("on"))
    _execute(session, WEEKS, here, inserted, updated, gone)


def _write_wte(session: Session, revisions: Sequence[Revision], weeks: Sequence[date]) -> None:
    inserted, updated, gone = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for revision in revisions:
        declaration_id, stored = revision.declaration.id, revision.stored.wte
        for week in weeks:
            before, now = stored.get(week), revision.content.wte.get(week, Decimal(0))
            if before is None:
                inserted.append({"declaration_id": declaration_id, "week": week, "wte": now})
            elif before != now:
                updated.append({"of": declaration_id, "on": week, "wte": now})
        gone += [{"of": declaration_id, "on": week} for week in stored.keys() - set(weeks)]
    here = (WTE.c.declaration_id == bindparam("of")) & (WTE.c.week == bindparam("on"))
    _execute(session, WTE, here, inserted, updated, gone)


def _execute(
    session: Session,
    table: Table,
    here: Any,
    inserted: list[dict[str, Any]],
    updated: list[dict[str, Any]],
    gone: list[dict[str, Any]],
) -> None:
    if inserted:
        session.execute(insert(table), inserted)
    if updated:
        session.execute(update(table).where(here), updated)
    if gone:
        session.execute(delete(table).where(here), gone)
