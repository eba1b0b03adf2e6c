"""Excel workbooks: the cells of one as text, line by line, and rows made into one to download.

A workbook is looked through before it is read, since a small file can ask for more memory than there is: how
much it unpacks to, how far its cells reach, and how long its texts are. Whatever is wrong with it raises
`UnreadableFile`.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import xlsxwriter
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from placements.spreadsheets.text import Record, UnreadableFile

MOST_PARTS = 500
MOST_UNPACKED = 100 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 1_000
MOST_CELLS = 2_000_000
MOST_TEXT = 300 * 1024 * 1024
MOST_SHEETS = 50

_SAVE_AGAIN = "Open it in your spreadsheet program, save it as an Excel workbook (.xlsx) and upload that."
_PLACE = re.compile(rb"\br\s*=\s*[\"']\s*([A-Za-z]{0,7})([0-9]{0,20})")
_CELL = re.compile(rb"<(?:\w+:)?c[\s>/]")
_TEXT = re.compile(rb"<(?:\w+:)?si[\s>]")
_SHEET = re.compile(rb"<(?:\w+:)?sheet\s[^>]*?\bid\s*=\s*[\"'](\w+)[\"']")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_ERROR = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*\bt\s*=\s*[\"']e[\"'])[^>]*?\br\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"'][^>]*>"
    rb"(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]{1,20})<",
    re.DOTALL,
)


@dataclass(frozen=True)
class Sheet:
    """A sheet that can be seen; of a text file, the whole. Rows that are blank are counted, not kept."""

    name: str
    rows: tuple[Record, ...]
    blank_rows: int = 0


def is_workbook(data: bytes) -> bool:
    """Whether the bytes begin as an Excel workbook or another archive of documents does."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0"))


def read_workbook(data: bytes) -> list[Sheet]:
    """The sheets of an .xlsx workbook that can be seen; lines are counted as Excel counts them."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile(
            "This is an older Excel workbook (.xls), one with a password, or another Office document.",
            _SAVE_AGAIN.replace("save it", "take any password off, save it"),
        )
    parts = _looked_through(data)
    try:
        return list(_sheets(data, parts))
    except UnreadableFile:
        raise
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException:  # A reader in another language may fail in ways of its own.
        raise UnreadableFile("This Excel workbook is damaged, so it cannot be read.", _SAVE_AGAIN) from None


def _looked_through(data: bytes) -> Mapping[str, bytes]:
    """The XML of a workbook by its name in the archive, once nothing in it can ask for too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if len(infos) > MOST_PARTS or sum(info.file_size for info in infos) > MOST_UNPACKED:
                raise _too_large()
            if not any(info.filename.lstrip("/") == "xl/workbook.xml" for info in infos):
                raise UnreadableFile(
                    "This is a zip archive or an Office document, not an Excel workbook (.xlsx) or CSV.",
                    _SAVE_AGAIN,
                )
            # Every part is read to its end, which also proves its stated size.
            parts = {info.filename.lstrip("/"): archive.read(info) for info in infos}
    except UnreadableFile:
        raise
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError):
        raise UnreadableFile("This Excel workbook is damaged, so it cannot be read.", _SAVE_AGAIN) from None
    found = {name: part for name, part in parts.items() if name.endswith((".xml", ".rels"))}
    for part in found.values():
        if b"\x00" in part[:1000] or part[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise UnreadableFile("This Excel workbook is written in an unusual way.", _SAVE_AGAIN)
    texts = [length for name, part in found.items() if "sharedStrings" in name for length in _lengths(part)]
    cells = 0
    for part in found.values():
        rows, columns = _reach(part)
        if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
            raise UnreadableFile(
                f"This workbook has cells on line {rows:,} or in column {columns:,}: that is too large.",
                "Delete what stands far below or beside the table, or copy the table into a new workbook.",
            )
        cells += len(_CELL.findall(part))
    if cells > MOST_CELLS or cells * max(texts, default=0) > MOST_TEXT:
        raise _too_large()
    return found


def _too_large() -> UnreadableFile:
    return UnreadableFile(
        "This workbook unpacks to more than we can read.",
        "Copy the table alone into a new workbook, save it as .xlsx and upload that.",
    )


def _lengths(part: bytes) -> list[int]:
    starts = [match.start() for match in _TEXT.finditer(part)]
    return [after - before for before, after in zip(starts, [*starts[1:], len(part)], strict=True)]


def _reach(part: bytes) -> tuple[int, int]:
    """The last line and column that a sheet's cells name."""
    rows = columns = 0
    for letters, digits in set(_PLACE.findall(part)):
        rows = max(rows, int(digits or 0))
        columns = max(columns, column_number(letters.decode()) if digits else 0)
    return rows, columns


def _sheets(data: bytes, parts: Mapping[str, bytes]) -> Iterator[Sheet]:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    for index, about in enumerate(workbook.sheets_metadata[:MOST_SHEETS]):
        if about.typ != SheetTypeEnum.WorkSheet or about.visible != SheetVisibleEnum.Visible:
            continue
        yield _sheet(workbook.get_sheet_by_index(index), _errors(parts, index))


def _sheet(sheet: CalamineSheet, errors: Mapping[tuple[int, int], str]) -> Sheet:
    rows, blank = [], 0
    for line, values in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        cells = [_text(value) for value in values]
        for column in range(len(cells)) if errors else ():
            cells[column] = errors.get((line, column + 1), cells[column])
        record = Record(line, line, tuple(cells))
        if record.is_blank:
            blank += 1
        else:
            rows.append(record)
    return Sheet(sheet.name, tuple(rows), blank)


def _errors(parts: Mapping[str, bytes], index: int) -> dict[tuple[int, int], str]:
    """Cells of a sheet that hold a spreadsheet's own error, such as #N/A, by line and column from 1."""
    ids = _SHEET.findall(parts.get("xl/workbook.xml", b""))
    if index >= len(ids):
        return {}
    for relation in _RELATION.findall(parts.get("xl/_rels/workbook.xml.rels", b"")):
        target = re.search(rb"\bTarget\s*=\s*[\"']/?(?:xl/)?([^\"']+)", relation)
        if target and re.search(rb"\bId\s*=\s*[\"']" + re.escape(ids[index]) + rb"[\"']", relation):
            part = parts.get("xl/" + target[1].decode("utf-8", "replace"), b"")
            return {
                (int(row), column_number(letters.decode())): words.decode("utf-8", "replace")
                for letters, row, words in _ERROR.findall(part)
            }
    return {}


def _text(value: object) -> str:
    """A cell's value as one would type it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(round(value, 10))
    if isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def column_letters(number: int) -> str:
    """1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """A is 1, AA is 27; 0 for none."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


Value = str | int | Decimal | date | None


@dataclass(frozen=True)
class Check:
    """What may be typed in a range of cells (lines and columns from 0): numbers from 0 to `most`."""

    first: tuple[int, int]
    last: tuple[int, int]
    most: int
    is_whole: bool
    words: str


@dataclass(frozen=True)
class Choice:
    """A list to choose from in a range of cells (lines and columns from 0): `source` is the range that holds
    the list, as a formula names it. Anything else may be typed after a warning."""

    first: tuple[int, int]
    last: tuple[int, int]
    source: str
    words: str


@dataclass(frozen=True)
class Page:
    """A sheet to be written. Lines and columns are counted from 0; `frozen` is the first cell that scrolls;
    `notes` mark cells as wrong and say why."""

    name: str
    rows: Sequence[Sequence[Value]]
    widths: Sequence[float] = ()
    bold: frozenset[int] = frozenset()
    frozen: tuple[int, int] = (0, 0)
    checks: Sequence[Check] = ()
    choices: Sequence[Choice] = ()
    notes: Mapping[tuple[int, int], str] = field(default_factory=dict)
    wraps: bool = False


def workbook_bytes(pages: Sequence[Page]) -> bytes:
    """The pages as an .xlsx workbook. Text is always written as text, so no spreadsheet runs it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        plain = {"valign": "top"}
        for page in pages:
            sheet = workbook.add_worksheet(page.name)
            style = plain | ({"text_wrap": True} if page.wraps else {})
            formats = {
                (bold, dated, wrong): workbook.add_format(
                    style
                    | ({"bold": True, "bg_color": "#D8E8F5"} if bold else {})
                    | ({"num_format": "d mmm yyyy", "align": "center"} if dated else {})
                    | ({"bg_color": "#FBD9D3"} if wrong else {})
                )
                for bold in (False, True)
                for dated in (False, True)
                for wrong in (False, True)
            }
            for column, width in enumerate(page.widths):
                sheet.set_column(column, column, width)
            for line, cells in enumerate(page.rows):
                for column, value in enumerate(cells):
                    wrong = (line, column) in page.notes
                    style_of = formats[line in page.bold, isinstance(value, date), wrong]
                    if value is None:
                        if wrong:
                            sheet.write_blank(line, column, None, style_of)
                    elif isinstance(value, str):
                        sheet.write_string(line, column, value, style_of)
                    elif isinstance(value, date):
                        sheet.write_datetime(line, column, value, style_of)
                    else:
                        sheet.write_number(line, column, float(value), style_of)
            for (line, column), words in page.notes.items():
                sheet.write_comment(line, column, words, {"x_scale": 2})
            for check in page.checks:
                sheet.data_validation(
                    *check.first,
                    *check.last,
                    {
                        "validate": "integer" if check.is_whole else "decimal",
                        "criteria": "between",
                        "minimum": 0,
                        "maximum": check.most,
                        "error_title": "This cannot be right",
                        "error_message": check.words,
                    },
                )
            for choice in page.choices:
                sheet.data_validation(
                    *choice.first,
                    *choice.last,
                    {
                        "validate": "list",
                        "source": choice.source,
                        "error_type": "warning",
                        "error_title": "Not in the list",
                        "error_message": choice.words,
                    },
                )
            if page.frozen != (0, 0):
                sheet.freeze_panes(*page.frozen)
    return out.getvalue()
