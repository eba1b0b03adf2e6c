"""The demo's cohort files: what an HEI's placement officer would upload, drawn with a seed."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from placements.geography.postcodes import Point, locate
from placements.geography.travel import estimate_matrix
from placements.organisations.models import Site
from placements.seeding.homes import Homes

COLUMNS = (
    "Student ID",
    "Home postcode",
    "Term time postcode",
    "Travel",
    "Travel limit (minutes)",
    "Preference 1",
    "Preference 2",
    "Preference 3",
    "Employer",
    "Hub",
    "Sites to avoid",
)
CAR_SHARE = 0.68
LISTS_SHARE = 0.35
CARER_SHARE = 0.05
AVOIDS_SHARE = 0.02


@dataclass(frozen=True)
class CohortFile:
    """What is drawn for one cohort. `employed`: every learner has a trust for an employer; `with_hub`: each
    has a hub, the employer or else the nearest trust."""

    prefix: str
    learners: int
    lives_near: Point
    employed: bool
    with_hub: bool


def write_cohort_file(wanted: CohortFile, sites: Sequence[Site], homes: Homes, random: Random) -> bytes:
    """A CSV of the cohort in UTF-8. `sites` are those with a department that the cohort needs."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    postcodes = [homes.near(wanted.lives_near) for _ in range(wanted.learners)]
    for number, home in enumerate(postcodes, 1):
        writer.writerow(_row(f"{wanted.prefix}{number:03d}", home, wanted, sites, random))
    return text.getvalue().encode()


def spoiled(data: bytes) -> bytes:
    """The same file as spreadsheets and hurried people leave it: some cells to correct, some to refuse."""
    lines = [line.split(",") for line in data.decode().splitlines()]
    lines[1][1] = lines[1][1].replace(" ", "").lower()
    lines[2][3] = "drives"
    lines[3][1] = "ZZ99 9ZZ"
    lines[4][4] = "two hours"
    lines[5][0] = "=" + lines[5][0]
    return ("\r\n".join(",".join(cells) for cells in lines) + "\r\n").encode()


def _row(
    reference: str, home: str, wanted: CohortFile, sites: Sequence[Site], random: Random
) -> list[object]:
    near = _nearest_first(home, sites)
    ranked = random.sample(near[:8], k=min(3, len(near[:8]))) if random.random() < LISTS_SHARE else []
    avoided = random.choice(near[:6]) if near and random.random() < AVOIDS_SHARE else None
    employer = random.choice(near[:3]).trust.ods if wanted.employed and near else ""
    return [
        reference,
        home,
        "",
        "car" if wanted.employed or random.random() < CAR_SHARE else "public transport",
        random.choice((45, 60)) if random.random() < CARER_SHARE else "",
        *[site.name for site in ranked],
        *[""] * (3 - len(ranked)),
        employer,
        (employer or near[0].trust.ods) if wanted.with_hub and near else "",
        avoided.name if avoided is not None and avoided not in ranked else "",
    ]


def _nearest_first(home: str, sites: Sequence[Site]) -> list[Site]:
    point = locate(home)
    if point is None:
        return list(sites)
    minutes = estimate_matrix([point], [Point(site.latitude, site.longitude) for site in sites], "car")[0]
    return [sites[index] for index in minutes.argsort(kind="stable")]
