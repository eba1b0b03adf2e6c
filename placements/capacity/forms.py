"""The declaration grid as a form: typed cells to figures, each wrong cell named, all typing kept."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from werkzeug.datastructures import MultiDict

from placements.capacity.content import (
    ANYONE,
    COLUMNS,
    EDUCATORS,
    PLACE_COLUMNS,
    Cell,
    Content,
    shown,
)
from placements.capacity.merging import Change
from placements.capacity.models import MOST_PLACES, MOST_WTE
from placements.web.formats import day

WHOLE = re.compile(r"\d{1,9}([.,]0+)?")
DECIMAL = re.compile(r"(\d{1,9}([.,]\d*)?|[.,]\d+)")
WRONG_PLACES = f"enter a whole number from 0 to {MOST_PLACES}"
WRONG_WTE = f"enter a number from 0 to {MOST_WTE} with at most two decimals, such as 1.5"


def plain(name: str, text: str) -> str:
    """A typed figure as a plain one ("1,50" is 1.5, nothing is 0); raises ValueError saying what is wrong."""
    text = text.strip()
    if name == "model":
        return text
    if not text:
        return "0"
    if Cell.of(name).column == "wte":
        if DECIMAL.fullmatch(text):
            wte = Decimal(text.replace(",", "."))
            if wte <= MOST_WTE and round(wte, 2) == wte:
                return shown(wte)
        raise ValueError(f"“{_short(text)}” cannot be right: {WRONG_WTE}")
    if WHOLE.fullmatch(text) and int(re.split("[.,]", text)[0]) <= MOST_PLACES:
        return str(int(re.split("[.,]", text)[0]))
    raise ValueError(f"“{_short(text)}” cannot be right: {WRONG_PLACES}")


def plain_cells(typed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The plain figures of cells, and what is wrong with the others, both by cell name."""
    figures, wrong = {}, {}
    for name, text in typed.items():
        try:
            figures[name] = plain(name, text)
        except ValueError as error:
            wrong[name] = str(error)
    return figures, wrong


def laid_over(content: Content, figures: Mapping[str, str]) -> Content:
    """A declaration with these plain figures in their cells."""
    return Content.of_cells(content.cells() | dict(figures), content.lines)


def cell_words(name: str) -> str:
    """Where a cell is: "Week of 4 January 2027, most places"."""
    if name == "model":
        return "Supervision model"
    cell = Cell.of(name)
    return f"Week of {day(cell.week)}, {COLUMNS[cell.column]}"


@dataclass
class Sheet:
    """One department's part of the form: what stands in the cells, as typed, by cell name, with what is wrong
    and what others saved there; `version` is what the person read."""

    version: int = 0
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    clashes: dict[str, Change] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    @classmethod
    def of_saved(cls, version: int, saved: Content, weeks: Sequence[date]) -> "Sheet":
        """As it was last saved; surge, which few have, is left empty where it is nothing."""
        sheet = cls(version)
        sheet.write(saved, weeks, nothing="0" if version else "")
        return sheet

    @classmethod
    def of_form(cls, department_id: int, form: MultiDict[str, str]) -> "Sheet":
        """As a person sent it; fields of other names are left aside."""
        mine = f"{department_id}."
        sheet = cls(_whole(form.get(f"{mine}version", "")))
        for field_name, text in form.items():
            name = field_name.removeprefix(mine)
            if name != field_name and _is_cell(name):
                sheet.typed[name] = text
        sheet.removed = tuple(form.getlist(f"{mine}removed"))
        return sheet

    @property
    def lines(self) -> list[str]:
        """The lines that have cells, anyone's first."""
        found = {Cell.of(name).line: None for name in self.typed if name != "model"}
        return [ANYONE, *(line for line in found if line not in (ANYONE, EDUCATORS))]

    def write(self, content: Content, weeks: Sequence[date], nothing: str = "0") -> None:
        """Put a declaration into the cells."""
        cells = content.cells()
        for line in dict.fromkeys([ANYONE, *self.lines, *content.lines]):
            for column in PLACE_COLUMNS:
                for week in weeks:
                    name = f"{line}.{column}.{week}"
                    self.typed[name] = cells.get(name, nothing if column != "surge" else "")
        for week in weeks:
            name = f"{EDUCATORS}.wte.{week}"
            self.typed[name] = cells.get(name, nothing)
        self.typed["model"] = content.model or ""

    def add_line(self, line: str, weeks: Sequence[date]) -> None:
        """Empty cells for these learners."""
        for column in PLACE_COLUMNS:
            for week in weeks:
                self.typed.setdefault(f"{line}.{column}.{week}", "")

    def remove_line(self, line: str) -> None:
        """Cells that are no longer shown; what is saved in them becomes nothing."""
        self.typed = {name: text for name, text in self.typed.items() if not name.startswith(f"{line}.")}
        self.removed = (*self.removed, line)

    def fill(self, weeks: Sequence[date]) -> None:
        """Give all these weeks what stands in the first of them."""
        for name in [name for name in self.typed if name != "model"]:
            cell = Cell.of(name)
            if cell.week in weeks[1:]:
                self.typed[name] = self.typed.get(cell._replace(week=weeks[0]).name, "")

    def content(self, saved: Content, weeks: Iterable[date]) -> Content | None:
        """What was typed over what is saved, or None with `errors` said. An empty cell is 0."""
        figures, self.errors = plain_cells(self.typed)
        known = set(weeks)
        figures = {
            name: text for name, text in figures.items() if name == "model" or Cell.of(name).week in known
        }
        return None if self.errors else laid_over(self._without_removed(saved), figures)

    def known(self, saved: Content) -> Content:
        """The same as far as it can be read: for showing what would follow."""
        return laid_over(self._without_removed(saved), plain_cells(self.typed)[0])

    def _without_removed(self, saved: Content) -> Content:
        lines = {line: weeks for line, weeks in saved.lines.items() if line not in self.removed}
        return replace(saved, lines=lines)

    def unsaved(self, saved: Content) -> dict[str, str]:
        """What is saved in the cells that hold something else, by cell name."""
        cells = saved.cells()
        found = {}
        for name, text in self.typed.items():
            empty = "" if name == "model" else "0"
            if _as_saved(name, text) != cells.get(name, empty):
                found[name] = cells.get(name, empty)
        return found


def _as_saved(name: str, text: str) -> str:
    try:
        return plain(name, text)
    except ValueError:
        return text


def _is_cell(name: str) -> bool:
    try:
        return name == "model" or bool(Cell.of(name))
    except ValueError:
        return False


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 0


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:19]}…"
