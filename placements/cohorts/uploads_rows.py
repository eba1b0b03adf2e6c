"""One row of a cohort file: its learner, or why it cannot be taken, and every correction on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import cast

from networkx.utils import UnionFind

from placements.cohorts.uploads_cells import (
    DEFAULT_MODE,
    LONGEST_LIST,
    LONGEST_REASON,
    LONGEST_REFERENCE,
    CellReader,
    Said,
    answer,
    travel_mode,
    weekdays,
)
from placements.cohorts.uploads_columns import MOST_PREFERENCES, heading_key
from placements.cohorts.uploads_result import LearnerRow, TravelMode
from placements.cohorts.uploads_table import WHOLE_ROW, Row, Table
from placements.spreadsheets.cells import LONGEST_CELL, Reading, Unusable, Value, clean, is_blank_word
from placements.spreadsheets.remarks import Correction, Refusal, visible

EXAMPLE_REFERENCE = "Example (not read)"
_EXAMPLE = heading_key(EXAMPLE_REFERENCE)


class RowReading:
    """One row being read: its learner if nothing is refused, and every correction and refusal on the way."""

    def __init__(self, row: Row, table: Table, reader: CellReader) -> None:
        self.line = row.line
        self.corrections: list[Correction] = []
        self.refusals: list[Refusal] = []
        self.reference: str | None = None
        self.row: LearnerRow | None = None
        self._reader = reader
        self._cells: Mapping[str, tuple[str, str]] = {
            field: (table.columns[place].heading, row.cells[place]) for place, field in table.used
        }
        self.is_example = heading_key(self._cells["reference"][1]) == _EXAMPLE
        if self.is_example:
            return
        if row.fault is not None:
            self.refuse(WHOLE_ROW, row.fault.value, row.fault.reason, row.fault.remedy)
        else:
            self._read()

    def refuse(
        self, heading: str, value: str, reason: str, remedy: str, suggestions: Sequence[str] = ()
    ) -> None:
        """Note why this row cannot be taken."""
        self.refusals.append(Refusal(self.line, heading, visible(value), reason, remedy, tuple(suggestions)))

    def refuse_repeated(self, lines: str) -> None:
        """Note that other rows of the file have this row's reference."""
        heading, raw = self._cells["reference"]
        self.refuse(
            heading,
            raw,
            f"The same reference is on lines {lines}.",
            "Keep one row for each learner, or correct the reference that is wrong.",
        )

    def _refuse(self, field: str, raw: str, fault: Unusable) -> None:
        self.refuse(self._cells[field][0], raw, fault.reason, fault.remedy, fault.suggestions)

    def _read(self) -> None:
        reader = self._reader
        reference = self._required("reference", reader.reference, LONGEST_REFERENCE)
        postcode = self._required("postcode", reader.postcode)
        term_postcode = self._optional("term postcode", reader.postcode)
        mode = self._travel_mode()
        limit = self._optional("travel limit", reader.travel_limit, numeric=True)
        preferences = self._preferences()
        employer = self._optional("employer", reader.employer)
        excluded = self._excluded_sites(preferences)
        available_from = self._optional("available from", reader.available_from)
        priority = self._optional("priority", reader.priority, numeric=True)
        until = self._optional("available until", reader.available_until)
        if until is not None and available_from is not None and until < available_from:
            self._refuse_cell("available until", "It is before the day from which the learner is available.")
        released = self._optional("released", answer) or False
        if released and employer is None:
            self._refuse_cell("released", "It says released, but no employing trust is named.")
        accommodation = self._optional("accommodation", answer) or False
        needs = self._listed("access needs", reader.access_need)
        together = self._companions("together with", reference)
        apart = self._companions("apart from", reference)
        earlier = self._listed("earlier sites", reader.site, may_repeat=True)
        days = self._optional("days", weekdays)
        why = self._optional("priority reason", Reading, LONGEST_REASON)
        hub = self._optional("hub", reader.hub)
        self.reference = reference
        if reference is not None and postcode is not None and not self.refusals:
            self.row = LearnerRow(
                self.line, reference, postcode, term_postcode, mode, limit, preferences, employer, excluded,
                available_from, priority, until, released, accommodation, needs, together, apart, earlier,
                days, why or "", hub,
            )  # fmt: skip

    def _optional(
        self,
        field: str,
        read: Callable[[str], Reading[Value]],
        longest: int = LONGEST_CELL,
        numeric: bool = False,
    ) -> Value | None:
        if field not in self._cells:
            return None
        heading, raw = self._cells[field]
        said = self._reader.said.get((field, raw))
        if said is None:
            said = self._reader.said[field, raw] = _say(raw, read, longest, numeric)
        if said.fault is not None:
            self._refuse(field, raw, said.fault)
        elif said.became is not None:
            self._correct(heading, raw, said.became)
        return cast("Value | None", said.value)

    def _required(
        self, field: str, read: Callable[[str], Reading[Value]], longest: int = LONGEST_CELL
    ) -> Value | None:
        faults = len(self.refusals)
        value = self._optional(field, read, longest)
        if value is None and len(self.refusals) == faults:
            heading, raw = self._cells[field]
            remedy = "Write the learner's reference, such as the student number."
            if field == "postcode":
                remedy = "Write the learner's home postcode in full, such as B15 2GW."
            self.refuse(heading, raw, "This is needed for every learner and is blank.", remedy)
        return value

    def _travel_mode(self) -> TravelMode:
        field = "driving" if "driving" in self._cells else "travel mode"
        if field not in self._cells:
            return DEFAULT_MODE
        faults = len(self.refusals)
        mode = self._optional(field, lambda text: travel_mode(text, about_driving=field == "driving"))
        if mode is None and len(self.refusals) == faults:
            heading, raw = self._cells[field]
            self.corrections = [c for c in self.corrections if c.column != heading]
            self._correct(heading, raw, "public transport")
        return mode or DEFAULT_MODE

    def _preferences(self) -> tuple[str, ...]:
        """The ranked sites: from one column, or from numbered ones; a gap or a repeat moves later ones up."""
        if "preferences" in self._cells:
            heading, raw = self._cells["preferences"]
            listed = self._listed_sites("preferences")
            if len(listed) > MOST_PREFERENCES:
                self.refuse(
                    heading,
                    raw,
                    f"It names {len(listed)} sites.",
                    f"Name at most {MOST_PREFERENCES}, the most wanted first.",
                )
            return listed
        ranked: list[str] = []
        numbered = sorted(int(field.split()[1]) for field in self._cells if field.startswith("preference "))
        for rank, number in enumerate(numbered, start=1):
            field = f"preference {number}"
            name = self._optional(field, self._reader.site)
            if name is None:
                continue
            heading, raw = self._cells[field]
            if name in ranked:
                self._correct(heading, raw, f"left out: already preference {ranked.index(name) + 1}")
                continue
            ranked.append(name)
            if len(ranked) < rank and not self.refusals:
                self._correct(
                    heading, raw, f"preference {len(ranked)}, as an earlier one is blank or repeated"
                )
        return tuple(ranked)

    def _excluded_sites(self, preferences: tuple[str, ...]) -> tuple[str, ...]:
        excluded = self._listed_sites("excluded sites")
        both = [name for name in excluded if name in preferences]
        if both:
            heading, raw = self._cells["excluded sites"]
            self.refuse(
                heading,
                raw,
                f"{both[0]} is both a preference and a site to avoid.",
                "Take it out of one of the two.",
            )
        return excluded

    def _refuse_cell(self, field: str, reason: str) -> None:
        heading, raw = self._cells[field]
        self.refuse(heading, raw, reason, "Correct one of the two, or leave this blank.")

    def _companions(self, field: str, reference: str | None) -> tuple[str, ...]:
        """The references of other learners."""
        named = self._listed(field, self._reader.reference)
        if reference is not None and reference.casefold() in {name.casefold() for name in named}:
            self._refuse_cell(field, "It names the learner's own reference.")
        return named

    def refuse_apart_from(self, together: UnionFind[str]) -> None:
        """Refuse the row where it keeps the learner apart from somebody who is in the same group here."""
        if self.row is None or self.refusals:
            return
        for name in self.row.apart:
            if together[name.casefold()] == together[self.row.reference.casefold()]:
                self.refuse(
                    self._cells["apart from"][0],
                    name,
                    f"By this file {self.row.reference} and {name} also go together.",
                    f"Take {name} out here, or out of the learners who go together.",
                )

    def refuse_unknown_companions(self, known: Container[str]) -> bool:
        """Refuse the row where a learner whom it names is not among these; whether it was refused."""
        if self.row is None or self.refusals:
            return False
        for field, named in (("together with", self.row.together), ("apart from", self.row.apart)):
            for name in named:
                if name.casefold() not in known:
                    self.refuse(
                        self._cells[field][0],
                        name,
                        f"No learner of this file or round has the reference {name}, or that row is refused.",
                        "Correct the reference, or take it out.",
                    )
        return bool(self.refusals)

    def _listed_sites(self, field: str) -> tuple[str, ...]:
        return self._listed(field, self._reader.site)

    def _listed(
        self, field: str, read: Callable[[str], Reading[str]], *, may_repeat: bool = False
    ) -> tuple[str, ...]:
        """The values of a cell that may hold several."""
        if field not in self._cells:
            return ()
        heading, raw = self._cells[field]
        names: list[str] = []
        try:
            clean(re.sub(r"(?<!^)[\r\n]", " ", raw), LONGEST_LIST)
            parts = self._reader.split(raw, read)
        except Unusable as fault:
            self._refuse(field, raw, fault)
            return ()
        for part in parts:
            try:
                text = clean(part)
                reading = read(text) if text and not is_blank_word(text) else None
            except Unusable as fault:
                self._refuse(field, part.strip(), fault)
                continue
            if reading is None:
                self._correct(heading, part.strip(), "left blank")
            elif reading.value in names and not may_repeat:
                self._correct(heading, text, f"left out: {reading.value} is already there")
            else:
                names.append(reading.value)
                if reading.became is not None:
                    self._correct(heading, text, reading.became)
        return tuple(names)

    def _correct(self, heading: str, raw: str, became: str) -> None:
        self.corrections.append(Correction(self.line, heading, visible(raw), became))


def _say(raw: str, read: Callable[[str], Reading[Value]], longest: int, numeric: bool) -> Said:
    try:
        text = clean(raw, longest, numeric=numeric)
        if not text:
            return Said()
        if is_blank_word(text):
            return Said(became="left blank")
        reading = read(text)
    except Unusable as fault:
        return Said(fault=fault)
    became = reading.became or (text if text != raw.strip() else None)
    return Said(reading.value, became)
