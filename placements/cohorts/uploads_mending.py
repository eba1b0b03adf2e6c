"""Putting cells of a waiting upload right, and taking its raw cells away: a table in, a table out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from placements.cohorts.uploads_result import ParsedUpload
from placements.cohorts.uploads_table import Row, Table
from placements.cohorts.withholding import without_personal_details
from placements.errors import NotFound
from placements.spreadsheets.remarks import Correction, kept_for_repair, visible

Place = tuple[int, int]
"""A cell: the line of its row in the file, and its place among the columns."""


SAMPLES = 3


def shown(cell: str) -> str:
    """A cell as an input of one line shows it: lines between semicolons, what cannot be seen named."""
    return "; ".join(line.strip() for line in kept_for_repair(cell).splitlines() if line.strip())


def mended(
    table: Table,
    earlier: Sequence[Correction],
    typed: Mapping[Place, str],
    everywhere: Collection[Place],
) -> tuple[Table, tuple[Correction, ...]]:
    """The table with what was typed in its cells, and those cells as they were in the file with what they
    became; a cell in `everywhere` takes those of its column with it that hold the same. Text that is what the
    cell shows already changes nothing. `earlier` are the cells that were put right before. Raises NotFound
    where there is no such cell.
    """
    by_line = {row.line: row for row in table.rows}
    changes: dict[Place, str] = {}
    for (line, place), text in typed.items():
        if line not in by_line or not 0 <= place < len(table.columns):
            raise NotFound("There is no such cell in this file.")
        before = by_line[line].cells[place]
        if text.strip() == shown(before) or by_line[line].fault is not None:
            continue
        if (line, place) in everywhere:
            changes |= {(row.line, place): text for row in table.rows if row.cells[place] == before}
        changes[line, place] = text
    was = {(note.line, note.column): note for note in earlier}
    changed = without_personal_details(replace(table, rows=tuple(_with(row, changes) for row in table.rows)))
    by_line_after = {row.line: row for row in changed.rows}
    for line, place in changes:
        heading = table.columns[place].heading
        first = was.get((line, heading))
        value = first.value if first else visible(by_line[line].cells[place])
        was[line, heading] = Correction(
            line, heading, value, visible(by_line_after[line].cells[place].strip())
        )
    return changed, tuple(was[key] for key in sorted(was))


def _with(row: Row, changes: Mapping[Place, str]) -> Row:
    cells = tuple(changes.get((row.line, place), cell) for place, cell in enumerate(row.cells))
    return row if cells == row.cells else replace(row, cells=cells)


def after_accepting(parsed: ParsedUpload) -> ParsedUpload:
    """What stays once the accepted rows have been saved: of the file's own cells, those of refused rows."""
    if parsed.table is None:
        return parsed
    return replace(parsed, table=replace(parsed.table, rows=parsed.refused_rows))


def samples(table: Table) -> list[tuple[str, ...]]:
    """For each column some different values, by which to tell what it holds."""
    found = []
    for place in range(len(table.columns)):
        values = dict.fromkeys(shown(row.cells[place]) for row in table.rows if row.cells[place].strip())
        found.append(tuple(visible(value, 40) for value in list(values)[:SAMPLES]))
    return found


def remembered(table: Table) -> int:
    """How many columns are read, or left out, as somebody chose and not as their headings say."""
    chosen = sum(column.known_by in ("remembered", "chosen") for column in table.columns)
    return chosen + sum(not column.is_personal for column in table.left_out)
