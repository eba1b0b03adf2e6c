"""From the bytes of a file to its rows: size, kind, encoding, delimiter and quotation marks.

A file that cannot be read whole raises `UnreadableFile` with what is wrong and what to do. A single row that
cannot be read becomes a `Record` with a `fault`, and reading goes on after it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from placements.cohorts.uploads_columns import MOST_COLUMNS, field_of
from placements.cohorts.uploads_result import FileProblem

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
MAX_LINES = 100_000
DELIMITERS = (",", ";", "\t")

_SAVE_AS = "Open it in your spreadsheet program, choose “Save as” and “CSV UTF-8”, then upload that."
_ANOTHER_KIND = (
    (b"%PDF", "This is a PDF document, not a CSV file."),
    (
        b"\xd0\xcf\x11\xe0",
        "This is an older Excel workbook (.xls) or another Office document, not a CSV file.",
    ),
    (b"{\\rtf", "This is a word-processor document, not a CSV file."),
    (b"\x89PNG", "This is a picture, not a CSV file."),
    (b"\xff\xd8\xff", "This is a picture, not a CSV file."),
    (b"GIF8", "This is a picture, not a CSV file."),
    (b"\x1f\x8b", "This is a compressed file, not a CSV file."),
)
_UNCLOSED = "A quotation mark is opened and never closed."
_MISPLACED = "The quotation marks on this row do not match."
_ENORMOUS = "One cell is far too long."
_UTF8_PAIR = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
_DELIMITER_LINE = re.compile(r"sep=([,;\t])[ \t]*(\r\n|\r|\n|$)", re.IGNORECASE)


class UnreadableFile(Exception):
    """The file cannot be read as a table of learners."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.problem = FileProblem(message, remedy)


@dataclass(frozen=True)
class Record:
    """One row of the file: the physical lines it stands on, and its cells, or why it cannot be read."""

    line: int
    last_line: int
    cells: tuple[str, ...]
    fault: str | None = None

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it but spaces."""
        return self.fault is None and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """A file's header and the rows that are not blank, with how it was written."""

    header: Record
    records: tuple[Record, ...]
    blank_rows: int
    delimiter: str
    encoding: str


def read_table(data: bytes) -> Table:
    """The rows of a CSV file; raises `UnreadableFile`."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            f"This file is {len(data) / 1024 / 1024:.1f} MB; a cohort file may be at most"
            f" {MAX_BYTES // 1024 // 1024} MB.",
            f"Delete columns that are not in the template, or send files of at most {MAX_ROWS:,} rows.",
        )
    text, encoding = _decode(data)
    if not text.strip(" \r\n\t\ufeff" + "".join(DELIMITERS)):
        raise UnreadableFile("This file is empty.", "Put your learners into the template and upload that.")
    first_line = 1
    delimiter: str | None = None
    stated = _DELIMITER_LINE.match(text)
    if stated:
        delimiter, first_line, text = stated[1], 2, text[stated.end() :]
    delimiter = delimiter or _delimiter_of(text)
    return _table(text, first_line, delimiter, encoding)


def _decode(data: bytes) -> tuple[str, str]:
    _refuse_other_kinds(data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded_utf16(data), "UTF-16"
    if b"\x00" in data:
        raise UnreadableFile(
            "This file holds binary data, so it is not a CSV file that we can read.", _SAVE_AS
        )
    marked = data.startswith(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
        return text.removeprefix("\ufeff"), "UTF-8 with byte order mark" if marked else "UTF-8"
    except UnicodeDecodeError as fault:
        return _decoded_windows_1252(data, at=fault.start), "Windows-1252"


def _refuse_other_kinds(data: bytes) -> None:
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if b"xl/" in data or b"opendocument.spreadsheet" in data[:200]:
            raise UnreadableFile("This is a spreadsheet workbook, not a CSV file.", _SAVE_AS)
        raise UnreadableFile(
            "This is a zip archive or an Office document, not a CSV file.",
            "If it holds your cohort, open it and save the table of learners as CSV UTF-8, then upload that.",
        )
    for start, message in _ANOTHER_KIND:
        if data.startswith(start):
            raise UnreadableFile(message, _SAVE_AS)
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", data[:200], re.IGNORECASE):
        raise UnreadableFile("This is a web page or XML document, not a CSV file.", _SAVE_AS)


def _decoded_utf16(data: bytes) -> str:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError:
        raise UnreadableFile(
            "This file says that it is written in UTF-16, but part of it is damaged or cut short.", _SAVE_AS
        ) from None
    if "\x00" in text:
        raise UnreadableFile(
            "This file holds binary data, so it is not a CSV file that we can read.", _SAVE_AS
        )
    return text


def _decoded_windows_1252(data: bytes, at: int) -> str:
    line = len(re.findall(rb"\r\n|\r|\n", data[:at])) + 1
    if data.startswith(b"\xef\xbb\xbf") or _UTF8_PAIR.search(data):
        raise UnreadableFile(
            f"The letters of this file are damaged: part of it is UTF-8 and part is not (see line {line}).",
            _SAVE_AS,
        )
    accented = sum(byte >= 0x80 for byte in data)
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    if not text or accented * 4 > len(data):
        raise UnreadableFile(
            f"We cannot tell how the letters of this file are written (see line {line}). It is neither UTF-8"
            " nor Windows-1252.",
            _SAVE_AS,
        )
    return text


def _delimiter_of(text: str) -> str:
    """The delimiter under which the first row holds most headings that we know, then most cells."""
    scores = []
    for preference, delimiter in enumerate(DELIMITERS):
        first = next((record for record in _records(text, 1, delimiter) if not record.is_blank), None)
        cells = first.cells if first else ()
        scores.append(
            (
                sum(field_of(cell) is not None for cell in cells[:MOST_COLUMNS]),
                len(cells),
                -preference,
                delimiter,
            )
        )
    return max(scores)[-1]


def _table(text: str, first_line: int, delimiter: str, encoding: str) -> Table:
    header: Record | None = None
    records: list[Record] = []
    blank_rows = 0
    for record in _records(text, first_line, delimiter):
        if record.last_line > MAX_LINES:
            raise UnreadableFile(
                f"This file has more than {MAX_LINES:,} lines, most of them blank.",
                "Delete the blank lines below your learners and upload it again.",
            )
        if record.is_blank:
            blank_rows += 1
        elif header is None:
            header = record
        elif len(records) < MAX_ROWS:
            records.append(record)
        else:
            raise UnreadableFile(
                f"This file has more than {MAX_ROWS:,} rows of learners, the most that we can take at once.",
                f"Split it into files of at most {MAX_ROWS:,} rows, each with the headings.",
            )
    if header is None:
        raise UnreadableFile("This file is empty.", "Put your learners into the template and upload that.")
    last = records[-1] if records else header
    for record in (header, last):
        if record.fault == _UNCLOSED:
            raise UnreadableFile(
                f"A quotation mark is opened on line {record.line} and never closed, so we cannot tell where"
                " the rows after it begin and end.",
                f"Look at line {record.line}: delete the quotation mark or add the missing one, or save the"
                " file as CSV again from your spreadsheet program.",
            )
    if header.fault:
        raise UnreadableFile(
            f"The headings cannot be read: {header.fault}", "Put the quotation marks in the first row right."
        )
    return Table(header, tuple(records), blank_rows, delimiter, encoding)


def _records(text: str, first_line: int, delimiter: str) -> Iterator[Record]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t"
    )
    while True:
        line = reader.line_num + first_line
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = str(error)
            fault = _UNCLOSED if "end of data" in reason else _ENORMOUS if "limit" in reason else _MISPLACED
            yield Record(line, reader.line_num + first_line - 1, (), fault)
        else:
            yield Record(line, reader.line_num + first_line - 1, tuple(cells))
