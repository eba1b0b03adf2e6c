"""The most learners at once over a whole site, and over a whole trust, in a round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.capacity.models import Cap
from placements.capacity.queries import changeable_departments
from placements.errors import NotFound, Refused, Stale
from placements.organisations.models import Site, Trust
from placements.organisations.queries import sites_of
from placements.rounds.queries import round_by_id
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates

MOST_LEARNERS = 999
# Where a mapping is by site, this stands for the whole trust.
WHOLE_TRUST = 0


@dataclass(frozen=True)
class Limit:
    """What may be limited, and how it is: `places` None is without limit, `version` 0 was never set."""

    site_id: int
    name: str
    places: int | None
    version: int


@dataclass(frozen=True)
class NewLimit:
    """A limit as a person wants it, with the version that they read; `places` None takes it away."""

    places: int | None
    version: int


def limits(session: Session, viewer: Viewer, round_id: int) -> list[Limit]:
    """The trust as a whole, then its sites by name; for an academy lead the academy's own centres."""
    caps = {
        (cap.site_id or WHOLE_TRUST, cap.trust_id): cap
        for cap in session.scalars(select(Cap).where(Cap.round_id == round_id))
    }

    def limit(site_id: int, trust_id: int, name: str) -> Limit:
        cap = caps.get((site_id, trust_id))
        return Limit(site_id, name, cap.places if cap else None, cap.version if cap else 0)

    found = []
    if viewer.trust_id is not None:
        trust = session.get_one(Trust, viewer.trust_id)
        found.append(limit(WHOLE_TRUST, trust.id, trust.name))
    return found + [limit(site.id, site.trust_id, site.name) for site in _sites(session, viewer).values()]


def set_caps(viewer: Viewer, round_id: int, wanted: Mapping[int, NewLimit]) -> None:
    """Set or take away limits, by site's id (WHOLE_TRUST: of the person's whole trust); all or none.

    Raises NotFound for a site that is not the person's to limit, Refused naming each wrong value by site's
    id, and Stale where somebody else changed one meanwhile.
    """
    wrong = {
        str(site_id): f"use a whole number from 0 to {MOST_LEARNERS}, or nothing for no limit"
        for site_id, new in wanted.items()
        if new.places is not None and not 0 <= new.places <= MOST_LEARNERS
    }
    if wrong:
        raise Refused("Some figures cannot be right, so nothing was saved.", wrong)
    try:
        with transaction(viewer, Action.SET_CAP) as tx:
            round_ = round_by_id(tx.session, viewer, round_id)
            sites = _sites(tx.session, viewer)
            changed = sum(
                _set(tx, round_id, _owner(viewer, sites, site_id), site_id or None, new)
                for site_id, new in wanted.items()
            )
            tx.note(round_, changed=changed)
    except IntegrityError as error:
        unique = "cap.round_id, cap.trust_id"
        if violates(error, "uq_cap_round", unique):
            raise Stale(CHANGED_MEANWHILE) from None
        raise


def _sites(session: Session, viewer: Viewer) -> dict[int, Site]:
    """The sites that the person may limit, by name."""
    return sites_of(session, changeable_departments(viewer))


def _owner(viewer: Viewer, sites: Mapping[int, Site], site_id: int) -> int:
    """The trust to which a limit belongs."""
    if site_id == WHOLE_TRUST and viewer.trust_id is not None:
        return viewer.trust_id
    if site_id not in sites:
        raise NotFound("There is no such site.")
    return sites[site_id].trust_id


def _set(tx: Transaction, round_id: int, trust_id: int, site_id: int | None, new: NewLimit) -> bool:
    cap = tx.session.scalar(
        select(Cap).where(
            Cap.round_id == round_id,
            Cap.trust_id == trust_id,
            Cap.site_id.is_(None) if site_id is None else Cap.site_id == site_id,
        )
    )
    if (cap.version if cap else 0) != new.version:
        raise Stale(CHANGED_MEANWHILE)
    if (cap.places if cap else None) == new.places:
        return False
    if cap is None:
        tx.session.add(Cap(round_id=round_id, trust_id=trust_id, site_id=site_id, places=new.places or 0))
    elif new.places is None:
        tx.session.delete(cap)
    else:
        cap.places = new.places
    return True
