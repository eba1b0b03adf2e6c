"""Reading a file of outcomes: the list as it was downloaded, filled in. Nothing is saved here, and no input
raises an exception."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from placements.access import Viewer
from placements.allocations.models import PublicationLine
from placements.errors import Refused
from placements.outcomes.models import PlacementOutcome
from placements.outcomes.service import OutcomeDetails, RecordedOutcome, checked
from placements.outcomes.wording import OUTCOME_WORDS, reason_shown, reasons_for
from placements.spreadsheets.cells import Unusable, clean, is_blank_word
from placements.spreadsheets.dates import NotADate, read_date
from placements.spreadsheets.files import read_file
from placements.spreadsheets.remarks import FileProblem, Refusal, visible
from placements.spreadsheets.text import HEADINGS_WITHIN, Record, UnreadableFile

MOST_BYTES = 5 * 1024 * 1024
FIELDS = {
    "placement": "Placement",
    "learnerreference": "Learner reference",
    "outcome": "Outcome",
    "lastdaythere": "Last day there",
    "reason": "Reason",
    "daysattended": "Days attended",
}
_NEEDED = ("placement", "outcome")
_OUTCOMES = {
    "completed": "completed",
    "complete": "completed",
    "yes": "completed",
    "endedearly": "ended_early",
    "ended": "ended_early",
    "notattended": "not_attended",
    "didnotattend": "not_attended",
    "dna": "not_attended",
}


@dataclass(frozen=True)
class ParsedOutcomes:
    """What was read: rows to record, with the line they stand on; why others were refused; how many say what
    is recorded already or nothing."""

    rows: tuple[tuple[int, RecordedOutcome], ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unchanged: int = 0
    problem: FileProblem | None = None

    @property
    def refused_rows(self) -> int:
        return len({refusal.line for refusal in self.refusals})


def parse_outcomes(
    data: bytes,
    viewer: Viewer,
    lines: Mapping[int, PublicationLine],
    outcomes: Mapping[int, PlacementOutcome],
    on: date,
) -> ParsedOutcomes:
    """Read a file of any bytes against the placements that the person sees, by requirement's id."""
    try:
        file = read_file(
            data, lambda cells: sum(_key(cell) in FIELDS for cell in cells), most_bytes=MOST_BYTES
        )
        records, columns = _table(file.sheets[0].rows)
    except UnreadableFile as refused:
        return ParsedOutcomes(problem=refused.problem)
    rows: list[tuple[int, RecordedOutcome]] = []
    refusals: list[Refusal] = []
    unchanged = 0
    seen: dict[int, int] = {}
    for record in records:
        reading = _RowReading(record, columns, viewer, lines, outcomes, on, seen)
        refusals += reading.refusals
        if reading.row is not None and not reading.refusals:
            rows.append((record.line, reading.row))
        elif not reading.refusals:
            unchanged += 1
    return ParsedOutcomes(tuple(rows), tuple(refusals), unchanged)


def _key(heading: str) -> str:
    return re.sub(r"[^a-z]", "", heading.casefold())


def _table(rows: Sequence[Record]) -> tuple[Sequence[Record], dict[str, int]]:
    for number, record in enumerate(rows[:HEADINGS_WITHIN]):
        columns = {_key(cell): index for index, cell in reversed(list(enumerate(record.cells)))}
        if all(name in columns for name in _NEEDED):
            return rows[number + 1 :], {name: columns[name] for name in FIELDS if name in columns}
    raise UnreadableFile(
        "This file has no columns “Placement” and “Outcome”.",
        "Download the list from this page, fill it in, and upload that.",
    )


class _RowReading:
    """One row: what it says to record, if anything, and why not."""

    def __init__(
        self,
        record: Record,
        columns: Mapping[str, int],
        viewer: Viewer,
        lines: Mapping[int, PublicationLine],
        outcomes: Mapping[int, PlacementOutcome],
        on: date,
        seen: dict[int, int],
    ) -> None:
        self.refusals: list[Refusal] = []
        self.row: RecordedOutcome | None = None
        self._record, self._columns = record, columns
        if record.fault is not None:
            self._refuse("placement", record.fault, "Put the row right in your spreadsheet.")
            return
        texts = {name: self._text(name) for name in columns}
        if self.refusals or not (texts["placement"] or texts["outcome"]):
            return
        number = re.fullmatch(r"(\d{1,9})(?:\.0+)?", texts["placement"], re.ASCII)
        line = lines.get(int(number[1])) if number else None
        if line is None:
            self._refuse(
                "placement",
                "This is no placement of this round that you can record.",
                "Keep the number as it was in the list that you downloaded.",
            )
            return
        reference = texts.get("learnerreference", "")
        if reference and reference.casefold() != line.learner_reference.casefold():
            self._refuse(
                "learnerreference",
                f"The placement of this row is {line.learner_reference}’s.",
                "Keep number and reference together as they were in the list that you downloaded.",
            )
            return
        if not texts["outcome"]:
            return
        if line.requirement_id in seen:
            self._refuse(
                "placement",
                f"The same placement is on line {seen[line.requirement_id]}.",
                "Keep one row for each placement.",
            )
            return
        seen[line.requirement_id] = record.line
        details = self._details(texts, viewer)
        if details is None:
            return
        try:
            details = checked(viewer, line, details, on)
        except Refused as refusal:
            named = {"outcome": "outcome", "last_day": "lastdaythere", "reason": "reason"}
            for name, words in (refusal.fields or {"outcome": refusal.message}).items():
                self._refuse(
                    named.get(name, "daysattended"), f"{words}.", "Put it right and upload the row again."
                )
            return
        before = outcomes.get(line.requirement_id)
        if before is not None and details == OutcomeDetails(
            before.outcome, before.last_day, reason_shown(viewer, before.reason), before.days_attended
        ):
            return
        self.row = RecordedOutcome(line.requirement_id, before.version if before else 0, details)

    def _details(self, texts: Mapping[str, str], viewer: Viewer) -> OutcomeDetails | None:
        outcome = _OUTCOMES.get(_key(texts["outcome"]))
        if outcome is None:
            self._refuse(
                "outcome", "This is no outcome.", f"Use one of: {', '.join(OUTCOME_WORDS.values())}."
            )
        reason = None
        if texts.get("reason"):
            reasons = {_key(words): key for key, words in reasons_for(viewer).items()}
            reason = reasons.get(_key(texts["reason"]))
            if reason is None:
                self._refuse(
                    "reason", "This is no reason.", f"Use one of: {', '.join(reasons_for(viewer).values())}."
                )
        last_day = None
        if texts.get("lastdaythere"):
            try:
                last_day = read_date(texts["lastdaythere"])
            except NotADate as fault:
                self._refuse("lastdaythere", str(fault), "Write a date such as 3 September 2027.")
            except OverflowError:
                self._refuse("lastdaythere", "This is not a date.", "Write a date such as 3 September 2027.")
        days = None
        if texts.get("daysattended"):
            whole = re.fullmatch(r"(\d{1,4})(?:\.0+)?", texts["daysattended"], re.ASCII)
            if whole is None:
                self._refuse(
                    "daysattended", "This is no whole number.", "Write a number of days, such as 20."
                )
            else:
                days = int(whole[1])
        if self.refusals or outcome is None:
            return None
        return OutcomeDetails(outcome, last_day, reason, days)

    def _cell(self, name: str) -> str:
        index = self._columns[name]
        return self._record.cells[index] if index < len(self._record.cells) else ""

    def _text(self, name: str) -> str:
        try:
            text = clean(self._cell(name), numeric=name in ("placement", "daysattended"))
        except Unusable as fault:
            self._refuse(name, fault.reason, fault.remedy)
            return ""
        return "" if is_blank_word(text) else text

    def _refuse(self, name: str, reason: str, remedy: str) -> None:
        value = visible(self._cell(name)) if name in self._columns else ""
        self.refusals.append(Refusal(self._record.line, FIELDS[name], value, reason, remedy))
