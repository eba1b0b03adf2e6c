"""The grid as its template and its answers to a script show it: each department's cells and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from placements.capacity.forms import Sheet, cell_words
from placements.capacity.grid import FIGURE_ROWS, Figures, Grid, Of, Row
from placements.capacity.merging import Change
from placements.capacity.writing import STANDING
from placements.web.formats import count


@dataclass(frozen=True)
class Note:
    """Something to say at a cell, by the cell's full name: what is wrong, or what somebody else saved."""

    cell: str
    words: str
    theirs: str | None = None


@dataclass(frozen=True)
class View:
    """One department in the page."""

    of: Of
    sheet: Sheet
    figures: Figures
    rows: Sequence[Row]
    supervised: Sequence[str] | None
    unsaved: Mapping[str, str]
    choices: Sequence[tuple[str, str]]
    last: Mapping[str, str]
    near: Sequence[str]

    @property
    def id(self) -> int:
        return self.of.department.id

    @property
    def is_standing(self) -> bool:
        return self.of.state in STANDING

    @property
    def lacks_lines(self) -> bool:
        """Whether last round had lines that are not shown."""
        return self.of.last is not None and not set(self.of.last.lines) <= set(self.sheet.lines)

    @property
    def figure_rows(self) -> dict[str, str]:
        return {key: words for key, words in FIGURE_ROWS.items() if key in self.figures.rows}

    @property
    def notes(self) -> list[Note]:
        """What is wrong and what clashes, each at its cell."""
        return [
            *(Note(f"{self.id}.{name}", wrong_words(name, words)) for name, words in self.errors.items()),
            *(
                Note(f"{self.id}.{name}", clash_words(change), change.now or "none")
                for name, change in self.sheet.clashes.items()
            ),
        ]

    @property
    def errors(self) -> Mapping[str, str]:
        return self.sheet.errors

    @property
    def marked(self) -> set[str]:
        """Cells at which there is something to say."""
        return {*self.errors, *self.sheet.clashes}


def views(grid: Grid, sheets: Mapping[int, Sheet]) -> list[View]:
    """Every department of the grid, with the typing that is given and otherwise as saved."""
    return [
        view(grid, of, sheets.get(of.department.id) or Sheet.of_saved(of.version, of.saved, grid.mondays))
        for of in grid.departments
    ]


def view(grid: Grid, of: Of, sheet: Sheet) -> View:
    """One department with what stands in its cells."""
    supervised = grid.supervised(of)
    rows = list(grid.rows(of, sheet.lines))
    if supervised is not None:
        rows = [row for row in rows if row.who]
    return View(
        of=of,
        sheet=sheet,
        figures=grid.figures(of, sheet.known(of.saved)),
        rows=rows,
        supervised=supervised,
        unsaved=sheet.unsaved(of.saved),
        choices=grid.line_choices(sheet.lines),
        last=of.last.cells() if of.last else {},
        near=[
            f"{block.name}: {count(near.learners, 'learner')}, {count(near.places, 'place')}"
            for block in grid.round.blocks
            for near in [(of.near or {}).get(block.id)]
            if near is not None
        ],
    )


def wrong_words(name: str, words: str) -> str:
    """What is wrong with a cell, and where."""
    return f"{cell_words(name)}: {words}"


def clash_words(change: Change) -> str:
    """What somebody else saved in a cell that one has changed too."""
    was = f"it was {change.before or 'none'}"
    return f"{cell_words(change.cell)}: {change.by} saved {change.now or 'none'} ({was})"
