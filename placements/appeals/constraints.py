"""What an upheld appeal asks of the matches to come: bans of sites, or a pin to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.allocations.models import PublicationLine
from placements.appeals.models import Appeal
from placements.appeals.nearness import sites_with_modality
from placements.appeals.words import wanted
from placements.organisations.models import Department


@dataclass(frozen=True)
class Constraint:
    """A lock to be made: a "pin" to a site or a "ban" of one."""

    kind: Literal["pin", "ban"]
    site_id: int


def constraints_of(session: Session, appeal: Appeal, line: PublicationLine) -> list[Constraint]:
    """What upholding an appeal against a place means; `line` is the place as published then."""
    if appeal.wants == "site" and appeal.wanted_site_id is not None:
        return [Constraint("pin", appeal.wanted_site_id)]
    banned = {_site_of(session, line)}
    if appeal.wants == "nearer" and appeal.wanted_minutes is not None:
        # One whose minutes nobody knows may be beyond them.
        banned |= {
            row.site.id
            for row in sites_with_modality(session, appeal.requirement)
            if row.minutes is None or row.minutes > appeal.wanted_minutes
        }
    return [Constraint("ban", site_id) for site_id in sorted(banned)]


def reason_of(appeal: Appeal) -> str:
    """What stands with the locks; the panel's own words stay with the appeal."""
    return f"Appeal {appeal.id} was upheld: {wanted(appeal)}"


def _site_of(session: Session, line: PublicationLine) -> int:
    return session.scalars(select(Department.site_id).where(Department.id == line.department_id)).one()
