"""A cohort file needs no names or e-mail addresses; where one slipped in, it is taken out before anything is
read or kept, and in its place stands what it was, so that the cell is refused for what it held."""

import re
from dataclasses import replace

from placements.cohorts.uploads_table import Row, Table

NAME_WITHHELD = "(name not kept)"
MAIL_WITHHELD = "(e-mail address not kept)"

_EMAIL = re.compile(r"[^\s,;|]+@[^\s,;|]+")
# Words of letters alone, two or more, with nothing that a reference would have: "Jane Smith", "Smith, J."
_NAME = re.compile(r"[^\W\d_][^\W\d_.'’\-]*([\s,.'’\-]+[^\W\d_]+)+\.?")


def looks_like_a_name(text: str) -> bool:
    """Whether a text is written as names of people are, and many of places."""
    return _NAME.fullmatch(text.strip()) is not None


def without_personal_details(table: Table) -> Table:
    """The same table with every e-mail address, and every name in a reference's place, taken out."""
    reference = next((place for place, field in table.used if field == "reference"), None)
    return replace(table, rows=tuple(_kept(row, reference) for row in table.rows))


def _kept(row: Row, reference: int | None) -> Row:
    cells = [_EMAIL.sub(MAIL_WITHHELD, cell) if "@" in cell else cell for cell in row.cells]
    if reference is not None and looks_like_a_name(cells[reference]):
        cells[reference] = NAME_WITHHELD
    return row if cells == list(row.cells) else replace(row, cells=tuple(cells))
