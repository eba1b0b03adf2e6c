"""A small directory of real Midlands sites and trusts, and cohort files made from a few words."""

import csv
import io
from collections.abc import Sequence
from datetime import date

from placements.cohorts.uploads import Directory, DirectorySite, ParsedUpload, parse_cohort

TODAY = date(2026, 11, 24)
SITES = {
    "Queen Elizabeth Hospital Birmingham": DirectorySite("B15 2GW"),
    "Birmingham Heartlands Hospital": DirectorySite("B9 5SS", ("BHH Bordesley",)),
    "Good Hope Hospital": DirectorySite("B75 7RR"),
    "Solihull Hospital": DirectorySite("B91 2JL"),
    "Birmingham Children's Hospital": DirectorySite("B4 6NH"),
    "Hospital of St Cross, Rugby": DirectorySite("CV22 5PX"),
    "The County Hospital, Hereford": DirectorySite("HR1 2ER"),
    "County Hospital, Stafford": DirectorySite("ST16 3SA"),
    "Midlands Imaging Training Academy, County Hospital, Stafford": DirectorySite("ST16 3SA"),
    "Washwood Heath Community Diagnostic Centre": DirectorySite("B8 3SN"),
}
TRUSTS = {
    "RRK": "University Hospitals Birmingham NHS Foundation Trust",
    "RQ3": "Birmingham Women's and Children's NHS Foundation Trust",
    "RL4": "The Royal Wolverhampton NHS Trust",
    "RRJ": "The Royal Orthopaedic Hospital NHS Foundation Trust",
}
UNKNOWN_POSTCODE = "B99 9ZZ"
DIRECTORY = Directory(
    sites=SITES,
    trusts=TRUSTS,
    locates=lambda postcode: postcode != UNKNOWN_POSTCODE,
    earliest=date(2027, 9, 6),
    latest=date(2028, 7, 28),
)


def read(data: bytes | str) -> ParsedUpload:
    """What a file comes to against `DIRECTORY`."""
    return parse_cohort(data.encode() if isinstance(data, str) else data, DIRECTORY, today=TODAY)


def written(*rows: Sequence[str], delimiter: str = ",") -> str:
    """Rows as CSV text."""
    page = io.StringIO()
    csv.writer(page, delimiter=delimiter).writerows(rows)
    return page.getvalue()


def read_cell(heading: str, cell: str) -> ParsedUpload:
    """What one learner comes to who has this cell beside a good reference and postcode."""
    return read(written(("reference", "postcode", heading), ("L1", "B15 2TT", cell)))
