"""From the bytes of a text file to its rows: kind, encoding, delimiter and quotation marks.

A file that cannot be read whole raises `UnreadableFile` with what is wrong and what to do. A single row that
cannot be read becomes a `Record` with a `fault`, and reading goes on after it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from placements.spreadsheets.remarks import FileProblem

DELIMITERS = (",", ";", "\t")
# Headings may stand under a few rows of title.
HEADINGS_WITHIN = 20

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
UNCLOSED = "A quotation mark is opened and never closed."
_MISPLACED = "The quotation marks on this row do not match."
_ENORMOUS = "One cell is far too long."
_UTF8_PAIR = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
_DELIMITER_LINE = re.compile(r"sep=([,;\t])[ \t]*(\r\n|\r|\n|$)", re.IGNORECASE)


class UnreadableFile(Exception):
    """The file cannot be read as a table."""

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


def decode(data: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding; raises `UnreadableFile`."""
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
            "If it holds a table, open it and save the table as CSV UTF-8, then upload that.",
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


def is_empty(text: str) -> bool:
    """Whether there is nothing in a file but spaces, blank lines and delimiters."""
    return not text.strip(" \r\n\t\ufeff" + "".join(DELIMITERS))


def rows_of(text: str, known: Callable[[Sequence[str]], int]) -> tuple[str, Iterator[Record]]:
    """The delimiter and the rows: the delimiter that the file states ("sep=;"), or else the one under which
    `known` counts most headings that it knows, then the one that gives most cells."""
    first_line = 1
    delimiter: str | None = None
    stated = _DELIMITER_LINE.match(text)
    if stated:
        delimiter, first_line, text = stated[1], 2, text[stated.end() :]
    delimiter = delimiter or _delimiter_of(text, known)
    return delimiter, records(text, first_line, delimiter)


def _delimiter_of(text: str, known: Callable[[Sequence[str]], int]) -> str:
    scores = []
    for preference, delimiter in enumerate(DELIMITERS):
        filled = (record for record in records(text, 1, delimiter) if not record.is_blank)
        rows = [record.cells for record in islice(filled, HEADINGS_WITHIN)]
        most_known = max((known(cells) for cells in rows), default=0)
        scores.append((most_known, max(map(len, rows), default=0), -preference, delimiter))
    return max(scores)[-1]


def records(text: str, first_line: int, delimiter: str) -> Iterator[Record]:
    """Each row of the text; one that cannot be read has a fault."""
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
            fault = UNCLOSED if "end of data" in reason else _ENORMOUS if "limit" in reason else _MISPLACED
            yield Record(line, reader.line_num + first_line - 1, (), fault)
        else:
            yield Record(line, reader.line_num + first_line - 1, tuple(cells))
