"""Writes declarations within one transaction: merged with what others saved meanwhile, checked, stored and
recorded, whole or cell by cell; a region's at once as well as one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import select

from placements.access import Viewer
from placements.capacity import queries, storing
from placements.capacity.content import Cell, Content, changes, wrong_figures
from placements.capacity.merging import Change, Clash, Merged, as_read, merge
from placements.capacity.models import Declaration, DeclarationRecord
from placements.clock import now_utc
from placements.errors import NotAllowed, Refused, Stale
from placements.organisations.models import Department, LearnerGroup, SupervisionModel
from placements.organisations.queries import department_by_id, learner_groups
from placements.rounds.models import Round
from placements.states import DECLARATION
from placements.transaction import CHANGED_MEANWHILE, Transaction

ONLY_THE_TRUST = "Only the trust itself can change this department's declaration."
# Changing what stands in these states makes it a draft again, which a person has to mean.
STANDING = frozenset({"submitted", "approved"})


@dataclass(frozen=True)
class Saved:
    """A declaration as it now stands (of version 0 where there is none yet) with its content.

    `theirs` are cells that somebody else changed since it was read and that were kept. Of a save cell by
    cell, `clashes` were changed by both and are not written, `wrong` says what is wrong with cells that are
    not written, and `asks` is True where nothing is written because the declaration stands.
    """

    declaration: Declaration
    content: Content
    theirs: tuple[Change, ...] = ()
    clashes: tuple[Change, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    asks: bool = False


@dataclass(frozen=True)
class Edit:
    """Cells that a person changed in the version that they read, by name, as plain figures ("0" is nothing).
    `is_meant`: also where that makes a draft of what was submitted or approved."""

    version: int
    cells: Mapping[str, str]
    is_meant: bool = False


class Writer:
    """Reads once what the declarations of these departments share; `finish` writes them together."""

    def __init__(
        self, tx: Transaction, viewer: Viewer, round_: Round, department_ids: Collection[int]
    ) -> None:
        self._tx, self._viewer, self._round = tx, viewer, round_
        self._weeks = round_.block_weeks()
        departments = tx.session.scalars(
            queries.changeable_departments(viewer).where(Department.id.in_(department_ids))
        ).unique()
        self._departments = {department.id: department for department in departments}
        self._found = queries.declarations_of(tx.session, viewer, round_.id, department_ids)
        self._stored = storing.contents(tx.session, [row.id for row in self._found.values()])
        self._models = {row.key: row for row in tx.session.scalars(select(SupervisionModel))}
        self._groups: dict[str, LearnerGroup] = {group.key: group for group in learner_groups(tx.session)}
        self._lines = queries.line_keys_of(self._groups.values())
        self._is_one = len(department_ids) == 1
        self._changes: list[storing.Revision] = []
        self._wrong: dict[str, str] = {}
        self._clashes: list[Change] = []
        self._theirs: list[Change] = []

    def save(self, department_id: int, version: int, content: Content) -> Saved:
        """Take one whole declaration; what is wrong or clashes is kept for `finish`. One that says what is
        stored already stays as it is."""
        declaration, stored = self._read(department_id, version)
        merged = self._merged(declaration, version, stored, content)
        wrong = self._wrong_in(merged.content)
        of = "" if self._is_one else f"{department_id}."
        self._wrong |= {f"{of}{name}": words for name, words in wrong.items()}
        self._clashes += [replace(change, cell=f"{of}{change.cell}") for change in merged.clashes]
        self._theirs += [replace(change, cell=f"{of}{change.cell}") for change in merged.theirs]
        if not wrong and not merged.clashes and (declaration is None or changes(stored, merged.content)):
            declaration = self._take(department_id, declaration, stored, merged.content)
        return Saved(declaration or _none_yet(), merged.content, merged.theirs)

    def save_cells(self, department_id: int, edit: Edit) -> Saved:
        """Take the cells that can be right and that nobody else changed to something else, and say which are
        not taken."""
        declaration, stored = self._read(department_id, edit.version)
        read = stored
        if declaration is not None and declaration.version != edit.version:
            read = as_read(stored, self._since(declaration, edit.version))
        merged = self._merged(
            declaration, edit.version, stored, Content.of_cells(read.cells() | dict(edit.cells), read.lines)
        )
        content = merged.content
        wrong = self._wrong_in(content)
        if wrong:
            # A line's figures of one week stand or fall together: the most may be what makes a figure wrong.
            spoiled = {_place(name) for name in wrong}
            cells, kept = content.cells(), stored.cells()
            for name in [name for name in {*cells, *kept} if _place(name) in spoiled]:
                cells.pop(name, None)
                if name in kept:
                    cells[name] = kept[name]
            content = Content.of_cells(cells, content.lines)
        asks = declaration is not None and declaration.state in STANDING and not edit.is_meant
        if not asks and changes(stored, content):
            declaration = self._take(department_id, declaration, stored, content)
        elif asks:
            content = stored
        return Saved(declaration or _none_yet(), content, merged.theirs, merged.clashes, wrong, asks)

    def finish(self) -> None:
        """Write what was taken; raises Refused or Clash where something whole could not be, and writes
        nothing."""
        if self._wrong:
            raise Refused("Some figures cannot be right, so nothing was saved.", self._wrong)
        if self._clashes:
            versions = {id_: row.version for id_, row in self._found.items()}
            raise Clash(CHANGED_MEANWHILE, tuple(self._clashes), tuple(self._theirs), versions)
        if not self._changes:
            return
        session, now = self._tx.session, now_utc()
        for change in self._changes:
            row = change.declaration
            row.state = DECLARATION.move(row.state, "save")
            row.changed_utc, row.changed_by_id = now, self._viewer.person_id
            model = change.content.model
            row.supervision_model_id = self._models[model].id if model else None
            # Counted, so that the version moves on even where nothing but the weeks changes.
            row.saves += 1
        # First, so that of two savers at the same moment the second is told before it writes a week.
        session.flush()
        storing.write(session, self._changes, self._weeks, self._groups)
        session.add_all(
            DeclarationRecord(
                declaration_id=change.declaration.id,
                version=change.declaration.version,
                verb="save",
                at_utc=now,
                by_id=self._viewer.person_id,
                by_name=self._viewer.name,
                comment="",
                changes=changes(change.stored, change.content),
                content=None,
            )
            for change in self._changes
        )
        session.flush()

    def _read(self, department_id: int, version: int) -> tuple[Declaration | None, Content]:
        if department_id not in self._departments:
            department_by_id(self._tx.session, self._viewer, department_id)
            raise NotAllowed(ONLY_THE_TRUST)
        declaration = self._found.get(department_id)
        if declaration is None:
            if version != 0:
                raise Stale(CHANGED_MEANWHILE)
            return None, Content()
        return declaration, self._stored[declaration.id]

    def _since(self, declaration: Declaration, version: int) -> list[DeclarationRecord]:
        return queries.records_after(self._tx.session, declaration.id, version)

    def _merged(
        self, declaration: Declaration | None, version: int, stored: Content, mine: Content
    ) -> Merged:
        if declaration is None or declaration.version == version:
            return Merged(mine, (), ())
        return merge(mine, stored, self._since(declaration, version))

    def _wrong_in(self, content: Content) -> dict[str, str]:
        wrong = wrong_figures(self._weeks, content, self._lines)
        if content.model and content.model not in self._models:
            wrong["model"] = f"there is no supervision model called {content.model}"
        return wrong

    def _take(
        self, department_id: int, declaration: Declaration | None, stored: Content, content: Content
    ) -> Declaration:
        if declaration is None:
            declaration = Declaration(
                state="draft", saves=0, round=self._round, department=self._departments[department_id]
            )
            self._tx.session.add(declaration)
        self._changes.append(storing.Revision(declaration, stored, content))
        return declaration


def _none_yet() -> Declaration:
    return Declaration(state="draft", saves=0, version=0)


def _place(name: str) -> tuple[str, date] | str:
    """The line and week of a cell; the model is a place of its own."""
    if name == "model":
        return name
    cell = Cell.of(name)
    return cell.line, cell.week
