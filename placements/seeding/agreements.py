"""The demo's agreements, what its sites have for learners with access needs, and one HEI's letter text."""

from random import Random
from typing import Any

from sqlalchemy import select

from placements.access import Viewer
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.agreements.service import Proposal, decide_agreement, end_agreement, propose_agreement
from placements.extensions import db
from placements.organisations.letter_text import save_letter_text
from placements.organisations.models import Hei, Site, Trust
from placements.organisations.queries import access_needs
from placements.organisations.site_access import SiteAccess, save_site_access


def make_agreements(settings: dict[str, Any], first_year: int) -> None:
    """Agreements of an academic year in every state, each made by both sides' own people."""
    heis = {row.name: row.id for row in db.session.scalars(select(Hei))}
    trusts = {row.ods: row.id for row in db.session.scalars(select(Trust))}
    for row in settings["agreements"]:
        hei_id, trust_id = heis[row["hei"]], trusts[row["trust"]]
        sides = {
            "hei": _person(Person.hei_id == hei_id, "placement_officer"),
            "trust": _person(Person.trust_id == trust_id, "trust_education_lead"),
            "academy": _person(Person.network_id.is_not(None), "academy_lead"),
        }
        proposer = row.get("proposed_by", "hei")
        made = propose_agreement(
            sides[proposer],
            Proposal(
                hei_id=hei_id,
                trust_id=trust_id,
                learners=row.get("learners", ""),
                year=first_year + row.get("years_later", 0),
                least=row.get("least", 0),
                most=row.get("most"),
                note=row.get("note", ""),
            ),
        )
        answer = row.get("answer", "agree")
        for side in ("hei", "trust"):
            if answer == "none" or side == proposer or made.state == "declined":
                continue
            made = decide_agreement(
                sides[side],
                made.id,
                version=made.version,
                answer="decline" if answer == "decline" else "agree",
                note=row.get("reason", ""),
            )
        if answer == "end":
            end_agreement(sides["trust"], made.id, version=made.version, note=row.get("reason", ""))


def say_what_sites_have(settings: dict[str, Any]) -> None:
    """What sites have by their kind, a little by chance, as their trusts' educators say."""
    random = Random(settings["seed"] + 5)  # noqa: S311 - a demo, not a secret
    usual, beds = settings["site_access"], settings["site_beds"]
    known = [need.key for need in access_needs(db.session)]
    sites = [(s.id, s.name, s.kind, s.trust_id) for s in db.session.scalars(select(Site).order_by(Site.id))]
    for site_id, name, kind, trust_id in sites:
        needs = [key for key in known if random.random() < usual[kind].get(key, usual[kind]["others"])]
        if kind == "academy" or name in settings["sites_that_say_nothing"]:
            continue
        educator = _person(Person.trust_id == trust_id, "practice_educator")
        save_site_access(educator, site_id, SiteAccess(needs, beds.get(name, 0)), version=1)


def write_letter_text(settings: dict[str, Any]) -> None:
    """What one HEI's letters add."""
    text = settings["letter_text"]
    hei = db.session.scalars(select(Hei).where(Hei.name == text["hei"])).one()
    officer = _person(Person.hei_id == hei.id, "placement_officer")
    save_letter_text(officer, text["text"], version=hei.version)


def _person(of: Any, role: str) -> Viewer:
    found = db.session.scalars(select(Person).where(of, Person.role == role).order_by(Person.id).limit(1))
    return viewer_of(found.one())
