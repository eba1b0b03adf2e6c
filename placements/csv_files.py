"""CSV files that spreadsheets open well and never run."""

import csv
import io
import unicodedata
from collections.abc import Iterable

FORMULA_STARTS = frozenset("=+-@\t\r")


def starts_like_formula(text: str) -> bool:
    """Whether a spreadsheet might run this text as a formula (full-width signs count as well)."""
    for candidate in (text, text.lstrip(" \u00a0"), text.lstrip()):
        if candidate and unicodedata.normalize("NFKC", candidate[0]) in FORMULA_STARTS:
            return True
    return False


def csv_bytes(rows: Iterable[Iterable[object]]) -> bytes:
    """The rows in UTF-8 with a byte order mark, which spreadsheets open without asking.

    Text that might be run as a formula is given a leading apostrophe; None is an empty cell.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and starts_like_formula(cell) else cell
