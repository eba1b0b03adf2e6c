"""The declaration grid: typed cells to figures, each wrong cell named, all typing kept."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from placements.capacity.content import ANYONE, Cell, Content, Places, shown
from placements.capacity.content import COLUMNS as ALL_COLUMNS
from placements.capacity.models import MOST_PLACES, MOST_WTE
from placements.rounds.models import Block
from placements.web.formats import day

WHOLE = re.compile(r"\d{1,9}([.,]0+)?")
DECIMAL = re.compile(r"(\d{1,9}([.,]\d*)?|[.,]\d+)")


COLUMNS = {column: words for column, words in ALL_COLUMNS.items() if column != "surge"}


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


@dataclass
class Grid:
    """What stands in the cells, as typed, and what is wrong with them, both by cell name."""

    weeks: Sequence[date]
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_saved(cls, weeks: Sequence[date], saved: Content) -> "Grid":
        """The grid as it was last saved."""
        typed = {}
        for week in weeks:
            places = saved.places(ANYONE, week)
            typed[cell_name("preferred", week)] = shown(places.preferred)
            typed[cell_name("maximum", week)] = shown(places.maximum)
            typed[cell_name("wte", week)] = shown(saved.wte.get(week, Decimal(0)))
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

    def content(self, saved: Content) -> Content | None:
        """What was typed over what is saved, or None with `errors` said. An empty cell is 0."""
        places, found = {}, {}
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
                places[week] = Places(preferred, maximum, saved.places(ANYONE, week).surge)
                found[week] = wte
        return None if self.errors else Content({**saved.lines, ANYONE: places}, found, saved.model)

    def refuse(self, fields: Mapping[str, str]) -> None:
        """Put what a service refused, by cell, at its cells."""
        for name, words in fields.items():
            cell = Cell.of(name)
            self._wrong(cell.week, cell.column if cell.column in COLUMNS else "maximum", words)

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
