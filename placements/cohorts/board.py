"""How an HEI, or all of them, stand in a round: what is expected, what is there, what is submitted."""

from dataclasses import dataclass
from itertools import groupby

from placements.cohorts.models import Cohort


@dataclass(frozen=True)
class PlannedStage:
    """A programme and stage that the round's plan names, so that a cohort of it is expected."""

    hei_id: int
    hei: str
    programme_id: int
    programme: str
    stage_id: int
    stage: str


@dataclass(frozen=True)
class CohortLine:
    """A cohort with how many learners it has and how many places they need."""

    cohort: Cohort
    learners: int
    requirements: int


@dataclass(frozen=True)
class StageLine:
    """A programme and stage in a round with its cohorts, of which there may be none yet."""

    planned: PlannedStage
    cohorts: tuple[CohortLine, ...]


@dataclass(frozen=True)
class Board:
    """Who has submitted what in a round; a stage with no cohort counts as one that is still to come."""

    lines: tuple[StageLine, ...]

    @property
    def cohorts(self) -> list[CohortLine]:
        return [cohort for line in self.lines for cohort in line.cohorts]

    @property
    def to_come(self) -> list[PlannedStage]:
        return [line.planned for line in self.lines if not line.cohorts]

    @property
    def expected(self) -> int:
        return len(self.cohorts) + len(self.to_come)

    @property
    def submitted(self) -> list[CohortLine]:
        return [line for line in self.cohorts if line.cohort.state == "submitted"]

    @property
    def is_complete(self) -> bool:
        return 0 < self.expected == len(self.submitted)

    @property
    def state(self) -> str:
        """In a word: expected, draft, part submitted or submitted."""
        if self.is_complete:
            return "submitted"
        if self.submitted:
            return "part submitted"
        return "draft" if self.cohorts else "expected"

    @property
    def learners(self) -> int:
        """Learners of submitted cohorts."""
        return sum(line.learners for line in self.submitted)

    @property
    def requirements(self) -> int:
        """Places that learners of submitted cohorts need."""
        return sum(line.requirements for line in self.submitted)

    @property
    def by_hei(self) -> list[tuple[str, "Board"]]:
        """The same board for each HEI."""
        grouped = groupby(self.lines, key=lambda line: (line.planned.hei, line.planned.hei_id))
        return [(hei, Board(tuple(lines))) for (hei, _), lines in grouped]
