"""What learners have travelled and seen over all rounds, as published: cumulative travel and variety."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median, quantiles

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.models import PublicationLine
from placements.clock import today
from placements.csv_files import csv_bytes
from placements.outcomes.days import days_expected
from placements.outcomes.models import PlacementOutcome
from placements.outcomes.queries import visible_placements
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes

Line = PublicationLine
ORDERS = ("above_median", "mean", "longest", "hours", "sites", "reference")


@dataclass(frozen=True)
class LearnerTravel:
    """One learner over all rounds. Minutes are one way; `hours` are there and back, on each day of each
    placement (days attended, where recorded). `above_median` is the mean less the median of the means of the
    learner's HEI."""

    hei: str
    programme: str
    reference: str
    placements: int
    sites: int
    modalities: tuple[str, ...]
    mean_minutes: float | None
    longest_minutes: int | None
    hours: float
    above_median: float | None


@dataclass(frozen=True)
class ProgrammeTravel:
    """The learners of a programme: medians and the 90th percentile of their mean minutes, the longest journey
    of any, and how many sites and modalities they have seen on average."""

    hei: str
    programme: str
    learners: int
    median_minutes: float | None
    p90_minutes: float | None
    longest_minutes: int | None
    mean_sites: float
    mean_modalities: float


def learners_travel(session: Session, viewer: Viewer) -> list[LearnerTravel]:
    """Every learner with a placement that has begun, of those this person sees, by HEI, programme and
    reference; the programme is the one of their latest placement."""
    rows = session.execute(
        visible_placements(viewer)
        .join(PlacementOutcome, PlacementOutcome.requirement_id == Line.requirement_id, isouter=True)
        .where(Line.first_week <= today())
        .order_by(Line.first_week, Line.requirement_id)
        .with_only_columns(
            Line.hei_id,
            Line.record_id,
            Line.learner_reference,
            Line.hei,
            Line.programme,
            Line.site,
            Line.modality,
            Line.travel_minutes,
            Line.first_week,
            Line.weeks,
            Line.weekdays,
            PlacementOutcome.days_attended,
        )
    ).all()
    found: dict[tuple[int, int | str], _Sums] = {}
    for row in rows:
        # Lines from before learners were known through rounds have their reference alone.
        key = (row.hei_id, row.record_id if row.record_id is not None else row.learner_reference.casefold())
        sums = found.setdefault(key, _Sums())
        days = row.days_attended
        if days is None:
            days = _expected(row.first_week, row.weeks, row.weekdays)
        sums.add(row, days)
    means: dict[int, list[float]] = {}
    for (hei_id, _), sums in found.items():
        if sums.minutes:
            means.setdefault(hei_id, []).append(sums.mean)
    medians = {hei_id: median(values) for hei_id, values in means.items()}
    learners = [sums.learner(medians.get(hei_id)) for (hei_id, _), sums in found.items()]
    return sorted(learners, key=lambda row: (row.hei, row.programme, row.reference))


def in_order(learners: Sequence[LearnerTravel], order: str) -> list[LearnerTravel]:
    """The learners in one of ORDERS, those who travel most (or see fewest sites) first."""
    if order == "reference":
        return list(learners)
    if order == "sites":
        return sorted(learners, key=lambda row: (row.sites, -row.placements))
    attribute = {"mean": "mean_minutes", "longest": "longest_minutes"}.get(order, order)
    return sorted(learners, key=lambda row: _falling(getattr(row, attribute)))


def _falling(value: float | None) -> tuple[bool, float]:
    return (value is None, -(value or 0))


def programmes_travel(learners: Sequence[LearnerTravel]) -> list[ProgrammeTravel]:
    """The same by programme, in the learners' order."""
    groups: dict[tuple[str, str], list[LearnerTravel]] = {}
    for row in learners:
        groups.setdefault((row.hei, row.programme), []).append(row)
    found = []
    for (hei, programme), rows in groups.items():
        means = [row.mean_minutes for row in rows if row.mean_minutes is not None]
        found.append(
            ProgrammeTravel(
                hei,
                programme,
                len(rows),
                median(means) if means else None,
                quantiles(means, n=10, method="inclusive")[-1] if len(means) > 1 else next(iter(means), None),
                max((row.longest_minutes for row in rows if row.longest_minutes is not None), default=None),
                sum(row.sites for row in rows) / len(rows),
                sum(len(row.modalities) for row in rows) / len(rows),
            )
        )
    return found


HEADINGS = (
    "HEI",
    "Programme",
    "Learner reference",
    "Placements",
    "Different sites",
    "Modalities",
    "Mean minutes one way",
    "Longest minutes one way",
    "Hours of travel in all",
    "Mean above the HEI's median",
)


def travel_csv(learners: Sequence[LearnerTravel]) -> bytes:
    """The learners as a CSV."""
    return csv_bytes(_rows(learners))


def travel_xlsx(learners: Sequence[LearnerTravel]) -> bytes:
    """The learners as a workbook, with a sheet by programme."""
    programmes: list[list[Value]] = [
        [
            "HEI",
            "Programme",
            "Learners",
            "Median of means",
            "90th percentile",
            "Longest",
            "Sites",
            "Modalities",
        ]
    ]
    for row in programmes_travel(learners):
        programmes.append(
            [
                row.hei,
                row.programme,
                row.learners,
                _whole(row.median_minutes),
                _whole(row.p90_minutes),
                row.longest_minutes,
                f"{row.mean_sites:.1f}",
                f"{row.mean_modalities:.1f}",
            ]
        )
    return workbook_bytes(
        [
            Page("Learners", _rows(learners), widths=(30, 34, 18), bold=frozenset({0}), frozen=(1, 0)),
            Page("Programmes", programmes, widths=(30, 34), bold=frozenset({0}), frozen=(1, 0)),
        ]
    )


def _rows(learners: Sequence[LearnerTravel]) -> list[list[Value]]:
    rows: list[list[Value]] = [list(HEADINGS)]
    for row in learners:
        rows.append(
            [
                row.hei,
                row.programme,
                row.reference,
                row.placements,
                row.sites,
                ", ".join(row.modalities),
                _whole(row.mean_minutes),
                row.longest_minutes,
                _whole(row.hours),
                _whole(row.above_median),
            ]
        )
    return rows


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


@lru_cache(maxsize=4096)
def _expected(first_week: object, weeks: int, weekdays: str) -> int:
    return days_expected(PublicationLine(first_week=first_week, weeks=weeks, weekdays=weekdays))


class _Sums:
    """A learner's placements, added up."""

    def __init__(self) -> None:
        self.placements = 0
        self.sites: set[str] = set()
        self.modalities: set[str] = set()
        self.minutes: list[int] = []
        self.travelled = 0

    def add(self, row: object, days: int) -> None:
        line: PublicationLine = row  # type: ignore[assignment]  # has the columns that are read here
        self.placements += 1
        self.sites.add(line.site or "")
        self.modalities.add(line.modality or "")
        if line.travel_minutes is not None:
            self.minutes.append(line.travel_minutes)
            self.travelled += 2 * line.travel_minutes * days
        self.hei, self.programme, self.reference = line.hei, line.programme, line.learner_reference

    @property
    def mean(self) -> float:
        return sum(self.minutes) / len(self.minutes)

    def learner(self, hei_median: float | None) -> LearnerTravel:
        mean = self.mean if self.minutes else None
        return LearnerTravel(
            self.hei,
            self.programme,
            self.reference,
            self.placements,
            len(self.sites),
            tuple(sorted(self.modalities)),
            mean,
            max(self.minutes, default=None),
            self.travelled / 60,
            mean - hei_median if mean is not None and hei_median is not None else None,
        )
