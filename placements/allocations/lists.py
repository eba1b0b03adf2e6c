"""Published places as a file: the columns, once for HEIs and the academy, once for trusts."""

from collections.abc import Callable, Iterable

from placements.allocations.models import PublicationLine
from placements.csv_files import csv_bytes

Column = Callable[[PublicationLine], object]

# What a trust needs to know of who is coming: nothing of where they live.
TRUST_COLUMNS: dict[str, Column] = {
    "Block": lambda line: line.block,
    "Week commencing": lambda line: line.first_week.isoformat(),
    "Weeks": lambda line: line.weeks,
    "Site": lambda line: line.site,
    "Modality": lambda line: line.modality,
    "HEI": lambda line: line.hei,
    "Programme": lambda line: line.programme,
    "Stage": lambda line: line.stage,
    "Learner reference": lambda line: line.learner_reference,
}
COLUMNS: dict[str, Column] = {
    "HEI": lambda line: line.hei,
    "Programme": lambda line: line.programme,
    "Stage": lambda line: line.stage,
    "Learner reference": lambda line: line.learner_reference,
    "Block": lambda line: line.block,
    "Week commencing": lambda line: line.first_week.isoformat(),
    "Weeks": lambda line: line.weeks,
    "Modality": lambda line: line.modality,
    "Trust": lambda line: line.trust,
    "Site": lambda line: line.site,
    "Site postcode": lambda line: line.site_postcode,
    "Travel minutes one way": lambda line: line.travel_minutes,
    "Travel minutes are": lambda line: _travel_source(line),
    "Result": lambda line: "placed" if line.state == "placed" else "not placed",
    "Reason": lambda line: line.reason,
}


def places_csv(lines: Iterable[PublicationLine], columns: dict[str, Column] = COLUMNS) -> bytes:
    """The lines as CSV, a row each under the columns' headings."""
    return csv_bytes([columns, *([value(line) for value in columns.values()] for line in lines)])


def _travel_source(line: PublicationLine) -> str:
    if line.state != "placed":
        return ""
    return "estimated" if line.travel_is_estimated else "from the uploaded matrix"
