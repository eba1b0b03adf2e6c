"""Which placements wait for a check: before a publication, and after it as checks are recorded.

Where a round's rule says that a check blocks, the place is published as held back, and no trust sees it until
a later version releases it; where it only warns, the place is published and the trust sees the check's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import lines_of_publication
from placements.allocations.standing import standing_places
from placements.clearance.queries import RoundChecks
from placements.clearance.rule import Finding
from placements.clock import today
from placements.rounds.models import Round
from placements.scenarios.models import Run
from placements.web.formats import friday


def checks_of(findings: Iterable[Finding]) -> tuple[bool, str]:
    """Whether the findings hold a placement back, and the names of the checks that are not in order."""
    acting = [finding for finding in findings if finding.effect]
    return any(finding.effect == "blocks" for finding in acting), ", ".join(
        finding.asked.name for finding in acting
    )


@dataclass(frozen=True)
class Waiting:
    """How many placements wait for a check, of one kind, HEI and block; `effect` is "blocks" or "warns"."""

    kind: str
    effect: str
    hei: str
    block: str
    placements: int


@dataclass(frozen=True)
class Waits:
    """Of the placements that would be published now: how many are held back, how many are published with a
    warning, and for what."""

    held: int
    warned: int
    rows: Sequence[Waiting]


def before_publication(session: Session, viewer: Viewer, run: Run) -> Waits:
    """What publishing an adopted run would hold back or warn of today."""
    checks = RoundChecks(session, run.round)
    held = warned = 0
    found: Counter[tuple[str, str, str, str]] = Counter()
    for place in standing_places(session, viewer, run):
        findings = [
            finding
            for finding in checks.findings(
                place.record_id, place.hei_id, place.first_week, friday(place.mondays[-1]), today()
            )
            if finding.effect
        ]
        is_held, names = checks_of(findings)
        held += is_held
        warned += bool(names) and not is_held
        found.update((one.asked.name, one.effect, place.hei, place.block) for one in findings)
    return Waits(
        held, warned, [Waiting(*key, number) for key, number in sorted(found.items(), key=lambda row: row[0])]
    )


@dataclass(frozen=True)
class Released:
    """Held lines of a publication: those whose learner is clear today, which the next version releases, and
    how many still wait."""

    lines: Sequence[PublicationLine]
    waiting: int


def released_since(session: Session, viewer: Viewer, publication: Publication) -> Released:
    """Whom the next version of a publication would release, of the lines that this person may see."""
    if not viewer.may(Action.SEE_CHECKS):
        return Released((), 0)
    held = list(
        session.scalars(
            lines_of_publication(viewer, publication.id)
            .where(PublicationLine.state == "held")
            .order_by(PublicationLine.hei, PublicationLine.learner_reference, PublicationLine.first_week)
        )
    )
    if not held:
        return Released((), 0)
    flags = flags_today(session, publication.round, held)
    # Of a line that names no record nobody can say that the learner is clear.
    clear = [line for line in held if not flags.get(line.id, (True, ""))[0]]
    return Released(clear, len(held) - len(clear))


def flags_today(
    session: Session, round_: Round, lines: Sequence[PublicationLine]
) -> Mapping[int, tuple[bool, str]]:
    """By line's id: whether it is held back as things stand today, and the names of the checks that are not
    in order. The caller has been let see the lines; those without a place are left out."""
    placed = [line for line in lines if line.department_id is not None and line.record_id is not None]
    if not placed:
        return {}
    checks = RoundChecks(session, round_)
    return {
        line.id: checks_of(
            checks.findings(line.record_id, line.hei_id, line.first_week, line.last_day, today())
        )
        for line in placed
        if line.record_id is not None
    }
