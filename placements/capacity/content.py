"""What a declaration says, as plain values: places by line and week, WTE, and the supervision model.

A line is `any`, a learner group's key, or `group/stage`. A cell is one figure, named `line.column.week`
(`any.maximum.2027-01-04`); the WTE of a week is `educators.wte.2027-01-04`. Pages, uploads, records and the
merging of two people's work all speak of cells by these names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from placements.capacity.models import MOST_PLACES, MOST_WTE

ANYONE = "any"
EDUCATORS = "educators"
PLACE_COLUMNS = ("preferred", "maximum", "surge")
COLUMNS = {
    "preferred": "preferred places",
    "maximum": "most places",
    "surge": "surge places",
    "wte": "educator WTE",
}


class Cell(NamedTuple):
    """One figure of a declaration."""

    line: str
    column: str
    week: date

    @property
    def name(self) -> str:
        return f"{self.line}.{self.column}.{self.week.isoformat()}"

    @classmethod
    def of(cls, name: str) -> Cell:
        """The cell of a name; raises ValueError where it names none."""
        line, column, week = name.split(".")
        if column not in COLUMNS or (column == "wte") != (line == EDUCATORS) or not line:
            raise ValueError(f"{name!r} is no cell of a declaration")
        return cls(line, column, date.fromisoformat(week))


@dataclass(frozen=True)
class Places:
    """Preferred and at most, and surge beyond the most, in the department's measure."""

    preferred: int = 0
    maximum: int = 0
    surge: int = 0


NOTHING = Places()


@dataclass(frozen=True)
class Content:
    """A whole declaration. Weeks that are left out count as nothing."""

    lines: Mapping[str, Mapping[date, Places]] = field(default_factory=dict)
    wte: Mapping[date, Decimal] = field(default_factory=dict)
    model: str | None = None

    def places(self, line: str, week: date) -> Places:
        return self.lines.get(line, {}).get(week, NOTHING)

    def total(self, week: date) -> Places:
        """All lines together."""
        found = [self.places(line, week) for line in self.lines]
        return Places(
            sum(places.preferred for places in found),
            sum(places.maximum for places in found),
            sum(places.surge for places in found),
        )

    def cells(self) -> dict[str, str]:
        """Every figure that is not nothing, by cell name, as one would type it; lines, and the model as
        `model`."""
        found: dict[str, str] = {}
        # Written out rather than by Cell and getattr: a region has 40,000 of these.
        for line, weeks in self.lines.items():
            for week, places in weeks.items():
                day = week.isoformat()
                if places.preferred:
                    found[f"{line}.preferred.{day}"] = str(places.preferred)
                if places.maximum:
                    found[f"{line}.maximum.{day}"] = str(places.maximum)
                if places.surge:
                    found[f"{line}.surge.{day}"] = str(places.surge)
        found |= {Cell(EDUCATORS, "wte", week).name: shown(wte) for week, wte in self.wte.items() if wte}
        if self.model:
            found["model"] = self.model
        return found

    @classmethod
    def of_cells(cls, cells: Mapping[str, str], lines: Iterable[str] = ()) -> Content:
        """The declaration with these cells (as `cells` gives them) and at least these lines."""
        figures: dict[str, dict[date, dict[str, int]]] = {line: {} for line in lines}
        wte: dict[date, Decimal] = {}
        for name, text in cells.items():
            if name == "model":
                continue
            cell = Cell.of(name)
            if cell.column == "wte":
                wte[cell.week] = Decimal(text)
            else:
                figures.setdefault(cell.line, {}).setdefault(cell.week, {})[cell.column] = int(text)
        return cls(
            {
                line: {week: Places(**columns) for week, columns in weeks.items()}
                for line, weeks in figures.items()
            },
            wte,
            cells.get("model") or None,
        )

    def to_json(self) -> dict[str, Any]:
        """As kept in a record."""
        return {
            "model": self.model,
            "lines": {
                line: {
                    week.isoformat(): [places.preferred, places.maximum, places.surge]
                    for week, places in sorted(weeks.items())
                }
                for line, weeks in self.lines.items()
            },
            "wte": {week.isoformat(): shown(wte) for week, wte in sorted(self.wte.items())},
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Content:
        """What `to_json` wrote."""
        return cls(
            {
                line: {date.fromisoformat(week): Places(*places) for week, places in weeks.items()}
                for line, weeks in found["lines"].items()
            },
            {date.fromisoformat(week): Decimal(wte) for week, wte in found["wte"].items()},
            found["model"],
        )


def changes(before: Content, after: Content) -> dict[str, list[str]]:
    """Cells that differ: name -> [before, after], nothing as "0" (and "" for the model)."""
    old, new = before.cells(), after.cells()
    found = {}
    for name in sorted(old.keys() | new.keys()):
        empty = "" if name == "model" else "0"
        if old.get(name, empty) != new.get(name, empty):
            found[name] = [old.get(name, empty), new.get(name, empty)]
    return found


def wrong_figures(block_weeks: Collection[date], content: Content, lines: Collection[str]) -> dict[str, str]:
    """What is wrong with a declaration's figures, by cell name; empty where nothing is. `lines` are those
    that there may be."""
    wrong: dict[str, str] = {}
    block_weeks = frozenset(block_weeks)
    for line, weeks in content.lines.items():
        for week, places in weeks.items():
            wrong |= _wrong_places(block_weeks, line, week, places, lines)
    for week, wte in content.wte.items():
        if week not in block_weeks:
            words = "this week is in no block of the round"
        elif not wte.is_finite() or not 0 <= wte <= MOST_WTE:
            words = f"{wte} cannot be right: use a number from 0 to {MOST_WTE}"
        elif round(wte, 2) != wte:
            words = f"{wte} is too fine: use at most two decimals"
        else:
            continue
        wrong[Cell(EDUCATORS, "wte", week).name] = words
    return wrong


def _wrong_places(
    block_weeks: Collection[date], line: str, week: date, places: Places, lines: Collection[str]
) -> dict[str, str]:
    wrong: dict[str, str] = {}
    for column in PLACE_COLUMNS:
        value = getattr(places, column)
        if not 0 <= value <= MOST_PLACES:
            wrong[Cell(line, column, week).name] = (
                f"{value} cannot be right: use a whole number from 0 to {MOST_PLACES}"
            )
    if places == NOTHING:
        return {}
    if week not in block_weeks:
        wrong[Cell(line, "maximum", week).name] = "this week is in no block of the round"
    if line not in lines:
        wrong[Cell(line, "maximum", week).name] = f"there are no learners called {line}"
    if places.preferred > places.maximum:
        wrong.setdefault(
            Cell(line, "preferred", week).name,
            f"{places.preferred} preferred is more than the most, {places.maximum}: lower it or raise that",
        )
    return wrong


def shown(number: int | Decimal) -> str:
    """A figure as one would type it: 3, 1.5."""
    return f"{number.normalize():f}" if isinstance(number, Decimal) else str(number)
