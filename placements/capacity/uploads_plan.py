"""What accepting a file of declarations would do, department by department: which cells change from what to
what, what others changed since the file was made, and where both changed the same cell to something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from placements.capacity.content import Cell, Content, changes, wrong_figures
from placements.capacity.merging import Change, as_read, merge
from placements.capacity.models import DeclarationRecord
from placements.capacity.uploads_directory import Directory, Standing
from placements.capacity.uploads_result import DepartmentCells


@dataclass(frozen=True)
class Both:
    """A cell that the file and somebody else changed, each to something else."""

    typed: str
    theirs: Change


@dataclass(frozen=True)
class DepartmentPlan:
    """One department: `content` is what it will declare, `changes` the cells by name to before and after,
    `kept` what others changed since the file was made and the file did not, `wrong` as `wrong_figures`;
    `put_back` counts cells that go back to what they were before a later file of the person's own."""

    standing: Standing
    content: Content
    changes: dict[str, list[str]]
    kept: tuple[Change, ...]
    clashes: tuple[Both, ...]
    wrong: dict[str, str]
    put_back: int = 0

    def changed(self, weeks: Sequence[date], words: dict[str, str]) -> list[ChangedRow]:
        """The changes for reading: neighbouring weeks of the same change put together."""
        return _in_rows(self.changes, weeks, words)


@dataclass(frozen=True)
class ChangedRow:
    """The same change in weeks that follow each other."""

    line: str
    column: str
    first_week: date
    last_week: date
    before: str
    after: str
    cells: int


@dataclass(frozen=True)
class Plan:
    """All departments of a file, those that change first told."""

    departments: tuple[DepartmentPlan, ...]

    @property
    def changing(self) -> tuple[DepartmentPlan, ...]:
        return tuple(found for found in self.departments if found.changes or found.clashes)

    @property
    def cells(self) -> int:
        """How many cells change."""
        return sum(len(found.changes) for found in self.departments)

    @property
    def clashes(self) -> int:
        return sum(len(found.clashes) for found in self.departments)

    @property
    def kept(self) -> int:
        return sum(len(found.kept) for found in self.departments)

    @property
    def put_back(self) -> int:
        return sum(found.put_back for found in self.departments)

    @property
    def wrong(self) -> tuple[DepartmentPlan, ...]:
        return tuple(found for found in self.departments if found.wrong)

    @property
    def seen(self) -> str:
        """What the person was shown, to be compared on accepting: a hash of the versions of what changes."""
        shown = [(found.standing.department_id, found.standing.version) for found in self.changing]
        return sha256(repr(shown).encode()).hexdigest()[:32]


def plan(directory: Directory, found: Iterable[DepartmentCells], *, takes_file: bool = False) -> Plan:
    """What accepting would do now; `takes_file` decides clashes for the file, otherwise for the others. A
    department that is no longer there, or that the person may no longer change, is left out."""
    by_id = {standing.department_id: standing for standing in directory.departments}
    return Plan(
        tuple(
            plan_department(directory, by_id[cells.department_id], cells, takes_file=takes_file)
            for cells in found
            if cells.department_id in by_id and not by_id[cells.department_id].fixed
        )
    )


def plan_department(
    directory: Directory, standing: Standing, found: DepartmentCells, *, takes_file: bool = False
) -> DepartmentPlan:
    """What accepting would do to one department."""
    after: Sequence[DeclarationRecord] = ()
    if found.version is not None and found.version < standing.version:
        after = directory.since(standing.department_id, found.version)
    # A file that is edited further and uploaded again has the old version, and yet holds what it brought.
    own = directory.own.get(standing.department_id, ())
    since = [record for record in after if record.version not in own]
    brought = [record for record in after if record.version in own]
    saved, now = standing.content, standing.content.cells()
    weeks = set(directory.weeks)
    if not since:
        typed = _typed(now, found, weeks)
        changed = {
            name: [now.get(name, "0"), text]
            for name, text in found.cells.items()
            if text != now.get(name, "0")
        }
        content = Content.of_cells(typed, saved.lines) if changed else saved
        wrong = wrong_figures(weeks, content, directory.lines) if changed else {}
        return DepartmentPlan(standing, content, changed, (), (), wrong, _put_back(changed, brought))
    read = as_read(saved, since)
    mine = Content.of_cells(_typed(read.cells(), found, weeks), {*read.lines, *saved.lines})
    merged = merge(mine, saved, since)
    ours = mine.cells()
    clashes = tuple(
        Both(ours.get(change.cell, "0"), change)
        for change in merged.clashes
        if ours.get(change.cell, "0") != now.get(change.cell, "0")
    )
    content = merged.content
    if takes_file and clashes:
        content = Content.of_cells(
            content.cells() | {clash.theirs.cell: clash.typed for clash in clashes}, content.lines
        )
    changed = changes(saved, content)
    return DepartmentPlan(
        standing=standing,
        content=content,
        changes=changed,
        kept=merged.theirs,
        clashes=clashes,
        wrong=wrong_figures(weeks, content, directory.lines),
        put_back=_put_back(changed, brought),
    )


def _put_back(changed: dict[str, list[str]], brought: Sequence[DeclarationRecord]) -> int:
    return sum(
        any(name in record.changes and record.changes[name][0] == now for record in brought)
        for name, (_, now) in changed.items()
    )


def _typed(read: dict[str, str], found: DepartmentCells, weeks: Collection[date]) -> dict[str, str]:
    """The cells that were read with those of the file over them, in the round's weeks alone."""
    kept = {name: text for name, text in read.items() if name == "model" or Cell.of(name).week in weeks}
    # A nothing where there is nothing makes no line.
    return kept | {name: text for name, text in found.cells.items() if text != "0" or name in kept}


def _in_rows(found: dict[str, list[str]], weeks: Sequence[date], words: dict[str, str]) -> list[ChangedRow]:
    place = {week: number for number, week in enumerate(weeks)}
    cells = sorted(
        (Cell.of(name) for name in found if name != "model"),
        key=lambda cell: (cell.line, cell.column, cell.week),
    )
    rows: list[ChangedRow] = []
    for cell in cells:
        before, after = found[cell.name]
        last = rows[-1] if rows else None
        if (
            last is not None
            and (last.line, last.column, last.before, last.after)
            == (words.get(cell.line, "Educators"), cell.column, before, after)
            and place.get(cell.week, -1) == place.get(last.last_week, -9) + 1
        ):
            rows[-1] = ChangedRow(
                last.line, last.column, last.first_week, cell.week, before, after, last.cells + 1
            )
        else:
            line = words.get(cell.line, "Educators")
            rows.append(ChangedRow(line, cell.column, cell.week, cell.week, before, after, 1))
    return rows
