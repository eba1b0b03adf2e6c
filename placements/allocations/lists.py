"""Published places as a file: the columns, once, for every reader."""

import csv
import io
from collections.abc import Iterable

from placements.allocations.models import PublicationLine

COLUMNS = (
    "HEI",
    "Programme",
    "Stage",
    "Learner reference",
    "Block",
    "Week commencing",
    "Weeks",
    "Modality",
    "Trust",
    "Site",
    "Site postcode",
    "Travel minutes one way",
    "Travel minutes are",
    "Result",
    "Reason",
)
# A cell that begins with one of these would be run as a formula by a spreadsheet.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def places_csv(lines: Iterable[PublicationLine]) -> bytes:
    """The lines as CSV in UTF-8 with a byte order mark, which spreadsheets open without asking."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in lines:
        placed = line.state == "placed"
        writer.writerow(
            [
                _safe(value)
                for value in (
                    line.hei,
                    line.programme,
                    line.stage,
                    line.learner_reference,
                    line.block,
                    line.first_week.isoformat(),
                    line.weeks,
                    line.modality,
                    line.trust,
                    line.site,
                    line.site_postcode,
                    line.travel_minutes,
                    ("estimated" if line.travel_is_estimated else "from the uploaded matrix")
                    if placed
                    else "",
                    "placed" if placed else "not placed",
                    line.reason,
                )
            ]
        )
    return text.getvalue().encode("utf-8-sig")


def _safe(value: object) -> object:
    """Text that a spreadsheet shows and never runs."""
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return "'" + value
    return "" if value is None else value
