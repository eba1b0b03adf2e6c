"""What the preview of an upload shows: its rows by what became of them, some of them only where asked for."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from placements.cohorts.uploads_columns import FIELD_HEADINGS, MOST_PREFERENCES
from placements.cohorts.uploads_mending import shown
from placements.cohorts.uploads_result import LearnerRow, ParsedUpload
from placements.cohorts.uploads_table import WHOLE_ROW
from placements.spreadsheets.remarks import Correction, Refusal

SHOW = {"": "Everything", "refused": "Refused", "corrected": "Corrected", "accepted": "Accepted"}
MOST_KINDS = 40


@dataclass(frozen=True)
class Filters:
    """What of a preview is asked for: one of `SHOW`, a column's heading, words that stand in a row, and one
    kind of problem; each is empty for all."""

    show: str = ""
    column: str = ""
    words: str = ""
    kind: str = ""

    @property
    def is_all(self) -> bool:
        return self == Filters()

    @property
    def address(self) -> dict[str, str]:
        """As the address holds it."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class Kind:
    """Problems that differ only by row and value."""

    key: str
    column: str
    reason: str
    rows: int


@dataclass(frozen=True)
class WrongCell:
    """A cell that is refused: its place in the row (None for a whole row), what it shows, why; how many rows
    hold the same there; and what it would say if one of the values that may have been meant were chosen."""

    line: int
    place: int | None
    heading: str
    value: str
    refusals: tuple[Refusal, ...]
    same: int
    choices: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """As a form names it."""
        return f"cell-{self.line}-{self.place}"


@dataclass(frozen=True)
class WrongRow:
    """A refused row."""

    line: int
    reference: str
    cells: tuple[WrongCell, ...]


@dataclass(frozen=True)
class Preview:
    """The rows and corrections that pass the filters, whole; the page shows some at a time."""

    refused: tuple[WrongRow, ...]
    corrections: tuple[Correction, ...]
    accepted: tuple[LearnerRow, ...]
    kinds: tuple[Kind, ...]


def preview(parsed: ParsedUpload, filters: Filters) -> Preview:
    """What is shown of an upload."""
    if parsed.table is None:
        return Preview((), (), (), ())
    asked = _Asked(parsed, filters)
    refused = asked.refused() if filters.show in ("", "refused") else ()
    corrections = asked.corrections() if filters.show in ("", "corrected") else ()
    accepted = asked.accepted() if filters.show in ("", "accepted") else ()
    return Preview(refused, corrections, accepted, kinds(parsed.refusals))


def absent(parsed: ParsedUpload) -> list[str]:
    """What the file does not speak of, in small letters."""
    ranks = [f"preference {rank}" for rank in range(1, MOST_PREFERENCES + 1)]
    return [
        heading.lower()
        for field, heading in FIELD_HEADINGS.items()
        if field not in parsed.fields and field not in (*ranks, "driving")
    ]


def kinds(refusals: Sequence[Refusal]) -> tuple[Kind, ...]:
    """The kinds of problems, the most frequent first."""
    rows: dict[tuple[str, str], set[int]] = defaultdict(set)
    for refusal in refusals:
        rows[refusal.column, refusal.reason].add(refusal.line)
    found = [Kind(key_of(*which), *which, len(lines)) for which, lines in rows.items()]
    return tuple(sorted(found, key=lambda kind: (-kind.rows, kind.column, kind.reason))[:MOST_KINDS])


def key_of(column: str, reason: str) -> str:
    """A few letters that stand for a kind of problem in an address."""
    return hashlib.sha256(f"{column}\n{reason}".encode()).hexdigest()[:8]


class _Asked:
    """The parts of a preview under its filters."""

    def __init__(self, parsed: ParsedUpload, filters: Filters) -> None:
        self.parsed = parsed
        self.filters = filters
        table = parsed.table
        self.rows = {row.line: row for row in table.rows} if table else {}
        self.places = (
            {table.columns[place].heading: (place, field) for place, field in table.used} if table else {}
        )
        words = " ".join(filters.words.casefold().split())
        self.lines = {
            line
            for line, row in self.rows.items()
            if not words or words == str(line) or any(words in cell.casefold() for cell in row.cells)
        }

    def refused(self) -> tuple[WrongRow, ...]:
        by_line: dict[int, list[Refusal]] = defaultdict(list)
        for refusal in self.parsed.refusals:
            if refusal.line in self.lines:
                by_line[refusal.line].append(refusal)
        column, kind = self.filters.column, self.filters.kind
        same = Counter(
            (place, row.cells[place]) for row in self.rows.values() for place, _ in self.places.values()
        )
        return tuple(
            self._row(line, refusals, same)
            for line, refusals in by_line.items()
            if (not column or any(refusal.column == column for refusal in refusals))
            and (not kind or any(key_of(refusal.column, refusal.reason) == kind for refusal in refusals))
        )

    def _row(self, line: int, refusals: Sequence[Refusal], same: Counter[tuple[int, str]]) -> WrongRow:
        by_column: dict[str, list[Refusal]] = defaultdict(list)
        for refusal in refusals:
            by_column[refusal.column].append(refusal)
        reference = next((place for place, field in self.places.values() if field == "reference"), None)
        return WrongRow(
            line=line,
            reference=shown(self.rows[line].cells[reference]) if reference is not None else "",
            cells=tuple(self._cell(line, heading, found, same) for heading, found in by_column.items()),
        )

    def _cell(
        self, line: int, heading: str, refusals: Sequence[Refusal], same: Counter[tuple[int, str]]
    ) -> WrongCell:
        place, _ = self.places.get(heading, (None, ""))
        if heading == WHOLE_ROW or place is None:
            return WrongCell(line, None, heading, "", tuple(refusals), 1, ())
        raw = self.rows[line].cells[place]
        value = shown(raw)
        return WrongCell(
            line=line,
            place=place,
            heading=heading,
            value=value,
            refusals=tuple(replace(refusal, suggestions=()) for refusal in refusals),
            # A reference is one learner's, so it is never put right in several rows at once.
            same=1 if self.places[heading][1] == "reference" or not raw.strip() else same[place, raw],
            choices=tuple(
                (suggestion, value.replace(refusal.value, suggestion, 1) if refusal.value in value else "")
                for refusal in refusals
                for suggestion in refusal.suggestions
            ),
        )

    def corrections(self) -> tuple[Correction, ...]:
        refused = {refusal.line for refusal in self.parsed.refusals}
        every = (*(note for note in self.parsed.mended if note.line not in refused), *self.parsed.corrections)
        return tuple(
            note
            for note in sorted(every, key=lambda note: note.line)
            if note.line in self.lines and self.filters.column in ("", note.column)
        )

    def accepted(self) -> tuple[LearnerRow, ...]:
        place, _ = self.places.get(self.filters.column, (None, ""))
        if not self.rows or len(self.rows) < len(self.parsed.rows):
            # Once saved, the file's own cells are gone.
            words = self.filters.words.casefold().strip()
            return tuple(row for row in self.parsed.rows if words in row.reference.casefold())
        return tuple(
            row
            for row in self.parsed.rows
            if row.line in self.lines and (place is None or self.rows[row.line].cells[place].strip())
        )
