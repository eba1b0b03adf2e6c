"""The declaration grid: typed cells to figures, each wrong cell named, all typing kept."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from placements.capacity.models import MOST_PLACES, MOST_WTE, DeclaredWeek
from placements.capacity.service import COLUMNS, WeekFigures
from placements.rounds.models import Block
from placements.web.formats import day

WHOLE = re.compile(r"\d{1,9}([.,]0+)?")
DECIMAL = re.compile(r"(\d{1,9}([.,]\d*)?|[.,]\d+)")


def cell_name(column: str, week: date) -> str:
    """The name and id of a cell in the page's form."""
    return f"{column}-{week.isoformat()}"


@dataclass(frozen=True)
class BlockRows:
    """A block and the weeks that have their row under it: blocks may overlap, a week has one row only."""

    block: Block
    weeks: list[date]

    @property
    def weeks_elsewhere(self) -> list[date]:
        """The block's weeks that have their row under an earlier block."""
        return [week for week in self.block.mondays() if week not in self.weeks]


def rows_by_block(blocks: Sequence[Block]) -> list[BlockRows]:
    """Each block with the weeks that no block before it has."""
    seen: set[date] = set()
    found = []
    for block in blocks:
        found.append(BlockRows(block, [week for week in block.mondays() if week not in seen]))
        seen.update(block.mondays())
    return found


def shown(number: int | Decimal) -> str:
    """A figure as one would type it: 3, 1.5."""
    return f"{number.normalize():f}" if isinstance(number, Decimal) else str(number)


@dataclass
class Grid:
    """What stands in the cells, as typed, and what is wrong with them, both by cell name."""

    weeks: Sequence[date]
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_saved(cls, weeks: Sequence[date], saved: Sequence[DeclaredWeek]) -> "Grid":
        """The grid as it was last saved."""
        typed = {
            cell_name(column, line.week): shown(getattr(line, column)) for line in saved for column in COLUMNS
        }
        return cls(weeks, typed)

    @classmethod
    def of_form(cls, weeks: Sequence[date], form: Mapping[str, str]) -> "Grid":
        """The grid as a person sent it."""
        names = [cell_name(column, week) for week in weeks for column in COLUMNS]
        return cls(weeks, {name: form.get(name, "") for name in names})

    def fill_down(self, weeks: Sequence[date]) -> None:
        """Give all these weeks what stands in the first of them."""
        for column in COLUMNS:
            for week in weeks[1:]:
                self.typed[cell_name(column, week)] = self.typed.get(cell_name(column, weeks[0]), "")

    def figures(self) -> tuple[WeekFigures, ...] | None:
        """The figures that were typed, or None with `errors` said. An empty cell is 0."""
        lines = []
        for week in self.weeks:
            preferred = self._whole(week, "preferred")
            maximum = self._whole(week, "maximum")
            wte = self._wte(week)
            if preferred is not None and maximum is not None and preferred > maximum:
                self._wrong(
                    week,
                    "preferred",
                    f"{preferred} is more than the most places, {maximum}: lower it, or raise those",
                )
            if preferred is not None and maximum is not None and wte is not None:
                lines.append(WeekFigures(week, preferred, maximum, wte))
        return None if self.errors else tuple(lines)

    def refuse(self, fields: Mapping[str, str]) -> None:
        """Put what a service refused, by `week.column`, at its cells."""
        for name, words in fields.items():
            week, _, column = name.partition(".")
            self._wrong(date.fromisoformat(week), column if column in COLUMNS else "maximum", words)

    def differs(self, column: str, week: date, saved: Mapping[str, str]) -> str | None:
        """What somebody else has saved in a cell, where that is not what is typed; an empty cell is 0."""
        name = cell_name(column, week)
        theirs = saved.get(name, "0")
        return None if _plain(theirs) == _plain(self.typed.get(name, "")) else theirs

    def _whole(self, week: date, column: str) -> int | None:
        text = self.typed.get(cell_name(column, week), "").strip()
        if not text:
            return 0
        if WHOLE.fullmatch(text) and int(re.split("[.,]", text)[0]) <= MOST_PLACES:
            return int(re.split("[.,]", text)[0])
        self._wrong(
            week, column, f"“{_short(text)}” cannot be right: enter a whole number from 0 to {MOST_PLACES}"
        )
        return None

    def _wte(self, week: date) -> Decimal | None:
        text = self.typed.get(cell_name("wte", week), "").strip()
        if not text:
            return Decimal(0)
        if DECIMAL.fullmatch(text):
            wte = Decimal(text.replace(",", "."))
            if wte <= MOST_WTE and round(wte, 2) == wte:
                return wte
        self._wrong(
            week,
            "wte",
            f"“{_short(text)}” cannot be right: enter a number from 0 to {MOST_WTE} with at most"
            " two decimals, such as 1.5",
        )
        return None

    def _wrong(self, week: date, column: str, words: str) -> None:
        name = cell_name(column, week)
        self.errors.setdefault(name, f"Week of {day(week)}, {COLUMNS[column]}: {words}")


def _plain(text: str) -> str:
    """A typed figure in one way of writing, so that “1,50” is 1.5 and an empty cell is 0."""
    text = text.strip()
    return shown(Decimal(text.replace(",", "."))) if DECIMAL.fullmatch(text) else text or "0"


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:19]}…"
