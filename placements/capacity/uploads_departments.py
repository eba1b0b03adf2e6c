"""What the rows of one department come to while a file is read: its cells, where each stands, what was
corrected and why it cannot be taken."""

from __future__ import annotations

from dataclasses import dataclass, field

from placements.capacity.content import Cell, Content
from placements.capacity.uploads_columns import Column
from placements.capacity.uploads_directory import Directory, Standing
from placements.capacity.uploads_plan import plan_department
from placements.capacity.uploads_result import WHOLE_ROW, DepartmentCells
from placements.spreadsheets.cells import Unusable
from placements.spreadsheets.remarks import Correction, Refusal, visible
from placements.spreadsheets.text import Record

# For rows of which no department can be told.
NOWHERE = Standing(0, "", "", "", "", 0, "", Content())


@dataclass
class Gathered:
    """The rows of one department so far. `origins` says where the file has each cell, `refusals` hold the
    wrong cell's column (None: the row), `left` counts blanks where something is declared."""

    standing: Standing
    rows: list[Record] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)
    origins: dict[str, tuple[Record, Column]] = field(default_factory=dict)
    versions: set[int] = field(default_factory=set)
    corrections: list[Correction] = field(default_factory=list)
    refusals: list[tuple[Refusal, Column | None]] = field(default_factory=list)
    left: int = 0

    @property
    def taken(self) -> DepartmentCells:
        """What the file says of the department."""
        return DepartmentCells(
            self.standing.department_id, min(self.versions, default=None), dict(self.cells)
        )

    def refuse(self, record: Record, column: Column, value: str, fault: Unusable) -> None:
        """Note why a cell keeps the department from being taken."""
        refusal = Refusal(record.line, column.label, visible(value), fault.reason, fault.remedy)
        self.refusals.append((refusal, column))

    def refuse_row(self, record: Record, reason: str, remedy: str) -> None:
        """Note why a whole row cannot be read."""
        self.rows.append(record)
        self.refusals.append((Refusal(record.line, WHOLE_ROW, "", reason, remedy), None))

    def correct(self, record: Record, column: str, value: str, became: str) -> None:
        """Note what was understood although it is not written as we keep it."""
        self.corrections.append(Correction(record.line, column, visible(value), became))

    def leave(self, cell: Cell) -> None:
        """Note a blank, which leaves what is declared."""
        content = self.standing.content
        is_declared = (
            content.wte.get(cell.week)
            if cell.column == "wte"
            else getattr(content.places(cell.line, cell.week), cell.column)
        )
        self.left += bool(is_declared)

    def put(self, record: Record, column: Column, cell: Cell, value: str, raw: str) -> None:
        """Take a figure; two that differ for one cell are refused."""
        earlier = self.cells.get(cell.name)
        if earlier is not None and earlier != value:
            at = self.origins[cell.name][0].line
            where = f"Line {at}" if at != record.line else "Another column"
            reason = f"{where} says {earlier} for the same department, learners and week."
            self.refuse(record, column, raw, Unusable(reason, "Keep one of the two."))
            return
        self.cells[cell.name] = value
        self.origins[cell.name] = (record, column)

    def check(self, directory: Directory) -> None:
        """Refuse, at their lines, figures that cannot stand together and those that the person may not
        change."""
        if self.refusals or not self.cells:
            return
        found = plan_department(directory, self.standing, self.taken, takes_file=True)
        if self.standing.fixed:
            lines: set[int] = set()
            for name in found.changes:
                record, column = self._origin(name)
                if record.line not in lines:
                    lines.add(record.line)
                    remedy = "Take the row out, or leave it as it was downloaded."
                    self._refuse_found(record, column, self.standing.fixed, remedy)
            return
        for name, words in found.wrong.items():
            record, column = self._origin(name)
            reason, _, remedy = words.partition(": ")
            self._refuse_found(record, column, _sentence(reason), _sentence(remedy or "put it right"))

    def _refuse_found(self, record: Record, column: Column, reason: str, remedy: str) -> None:
        value = record.cells[column.index] if column.index < len(record.cells) else ""
        self.refuse(record, column, value, Unusable(reason, remedy))

    def _origin(self, name: str) -> tuple[Record, Column]:
        """Where the file says a cell, or says the nearest to it."""
        cell = Cell.of(name) if name != "model" else None
        for column in ("maximum", "preferred", "surge") if cell and cell.column != "wte" else ():
            other = Cell(cell.line, column, cell.week).name if cell else ""
            if name not in self.origins and other in self.origins:
                return self.origins[other]
        return self.origins.get(name) or next(iter(self.origins.values()))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
