"""What came of reading a cohort file: learners, corrections, refusals, and how these are kept and given back.

Everything here is frozen and holds only text, numbers and dates, so that a preview can be stored as JSON and
read again exactly as it was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import TypeAdapter

from placements.cohorts.uploads_table import Row, Table
from placements.spreadsheets.remarks import Correction, FileProblem, Refusal

TravelMode = Literal["car", "public_transport"]


@dataclass(frozen=True)
class LearnerRow:
    """One learner, ready to be saved: every value is in its canonical form.

    `access_needs` are keys, `together` and `apart` other learners' references, `earlier_sites` the sites
    attended before (one as often as it was), `weekdays` the days of a part-time pattern (1 is Monday).
    """

    line: int
    reference: str
    postcode: str
    term_postcode: str | None
    travel_mode: TravelMode
    travel_limit_minutes: int | None
    preferences: tuple[str, ...]
    employer: str | None
    excluded_sites: tuple[str, ...]
    available_from: date | None
    priority: int | None
    available_until: date | None = None
    released: bool = False
    accommodation: bool = False
    access_needs: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    earlier_sites: tuple[str, ...] = ()
    weekdays: str | None = None
    priority_reason: str = ""
    hub: str | None = None


@dataclass(frozen=True)
class ParsedUpload:
    """Everything a preview shows of one file, and the `table` from which it was read.

    A row is in `rows` or in `refused_rows`, never in both; `refusals` lists every fault of every refused row,
    and `corrections` only those of rows that are accepted. Where `problem` is set the file was refused whole
    and nothing of it is held. `mended` are the cells that were put right here, as they were in the file;
    `last_mend` stands for the last time that was done.
    """

    table: Table | None = None
    rows: tuple[LearnerRow, ...] = ()
    corrections: tuple[Correction, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[str, ...] = ()
    examples: int = 0
    mended: tuple[Correction, ...] = ()
    last_mend: str = ""
    problem: FileProblem | None = None

    @property
    def refused_rows(self) -> tuple[Row, ...]:
        """The rows that cannot be taken as they are."""
        refused = {refusal.line for refusal in self.refusals}
        return tuple(row for row in self.table.rows if row.line in refused) if self.table else ()

    @property
    def rows_read(self) -> int:
        """How many rows were read."""
        return len(self.rows) + len({refusal.line for refusal in self.refusals})

    @property
    def blank_rows(self) -> int:
        """How many rows below or above the headings held nothing."""
        return self.table.blank_rows if self.table else 0

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings of the columns in use, as written."""
        return tuple(self.table.columns[place].heading for place, _ in self.table.used) if self.table else ()

    @property
    def ignored_columns(self) -> tuple[str, ...]:
        """The headings of the columns that are not in use."""
        if self.table is None:
            return ()
        unused = [column.heading for column in self.table.columns if not column.field]
        return (*(column.heading for column in self.table.left_out), *unused)

    @property
    def fields(self) -> frozenset[str]:
        """What the file speaks of; of all else it says nothing, not that it is blank."""
        names = {field for _, field in self.table.used} if self.table else set()
        ranks = {"preferences" for name in names if name.startswith("preference ")}
        modes = {"travel mode" for name in names if name == "driving"}
        return frozenset(names | ranks | modes)

    @property
    def is_settled(self) -> bool:
        """Whether it is known what every column holds, so that rows can be accepted."""
        return self.table is not None and self.table.is_settled


_ADAPTER = TypeAdapter(ParsedUpload)


def to_json(parsed: ParsedUpload) -> str:
    """The whole result as JSON text; `from_json` gives back an equal result."""
    return _ADAPTER.dump_json(parsed).decode()


def from_json(text: str | bytes) -> ParsedUpload:
    """The result that `to_json` wrote; raises `ValueError` if the text is anything else."""
    return _ADAPTER.validate_json(text)
