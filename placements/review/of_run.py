"""What this part says on the pages of runs and placings: other places, moves by hand, how to undo them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from flask import render_template
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements.access import Action, Role, Viewer
from placements.extensions import db
from placements.review import queries
from placements.review.desk import desk, waited_for
from placements.review.looking import Looked, look, minutes_by_department
from placements.review.moves import offer_department
from placements.review.service import MARKS
from placements.review.telling import (
    MoveWords,
    Names,
    broken_words,
    keys_of,
    minutes_of,
    move_words,
    price_words,
    worth_words,
)
from placements.rounds.models import Round
from placements.scenarios import marks, sections
from placements.scenarios import queries as scenarios
from placements.scenarios.describing import RULES
from placements.scenarios.models import Placing, Run
from placements.scenarios.outcome import row_id
from placements.scenarios.results import load_by_department


def _of_placing(viewer: Viewer, placing: Placing) -> Markup | str:
    if not viewer.may(Action.MOVE_BY_HAND) or placing.run.state != "finished":
        return ""
    run, key = placing.run, f"r{placing.requirement_id}"
    if not run.result:
        return ""
    hand = waited_for(desk.hand(db.session, run))
    if hand is not None and key not in hand.problem.requirement_index:
        return ""
    looked = None
    if hand is not None:
        looked = waited_for(desk.ask(db.session, run, f"look {key}", lambda ready: look(ready, key)))
    wanted = {modality.key for modality in placing.requirement.modalities}
    departments = [
        row.department
        for row in load_by_department(db.session, run)
        if row.department is not None and row.department.modality.key in wanted
    ]
    minutes = (
        {}
        if hand is None
        else {
            department.id: time
            for department in departments
            if (time := minutes_by_department(hand, key).get(f"d{department.id}")) is not None
        }
    )
    html = render_template(
        "components/placing_review.html",
        placing=placing,
        run=run,
        looked=looked,
        told=None if looked is None or hand is None else _told(db.session, viewer, run, hand.problem, looked),
        departments=sorted(departments, key=lambda row: (minutes.get(row.id, 9999), row.name)),
        minutes=minutes,
        goes_on=queries.goes_on_in(db.session, run),
    )
    return Markup(html)  # noqa: S704 - a template's own answer


@dataclass(frozen=True)
class PlaceWords:
    """Another place for a learner: what it costs, and who else would move."""

    department_id: int
    block: str | None
    name: str
    minutes: int | None
    price: str
    others: list[MoveWords]
    is_proven: bool


@dataclass(frozen=True)
class NearerWords:
    """A nearer department, and why the learner is not there."""

    name: str
    minutes: int
    why: list[str]


@dataclass(frozen=True)
class LimitWords:
    """A limit of a certificate: what is used up, and how many of whom fill it."""

    words: str
    learners: list[str]
    number: int


@dataclass(frozen=True)
class CertificateWords:
    """Why a learner is left over, as small as it can be said; `rules` are how many sites each removes."""

    kind: str
    competing: list[str]
    limits: list[LimitWords]
    rules: list[tuple[int, str]]
    is_proven: bool


@dataclass(frozen=True)
class LookedWords:
    """All that there is to say of a requirement."""

    places: list[PlaceWords]
    keeps: str
    nearer: list[NearerWords]
    certificate: CertificateWords | None


def _told(
    session: Session, viewer: Viewer, run: Run, problem: matching.Problem, looked: Looked
) -> LookedWords:
    certificate = looked.certificate
    keys = {near.department for near in looked.nearer}
    for near in looked.nearer:
        keys |= keys_of((), near.broken)
    for place in looked.places:
        keys |= keys_of(place.moves, ())
    if certificate is not None:
        keys |= set(certificate.competing) | {limit.key for limit in certificate.limits}
        keys |= {key for limit in certificate.limits for key in limit.held_by}
    names = Names(session, viewer, problem, run.id, keys)
    return LookedWords(
        places=[_place(names, problem, place) for place in looked.places],
        keeps=worth_words((tier.name, tier.before - tier.after) for tier in looked.without),
        nearer=[
            NearerWords(
                names.place(near.department),
                near.minutes,
                [broken_words(names, limit, near.department).words for limit in near.broken]
                or [f"There is room, but going there means: {price_words(near.price).lower()}"],
            )
            for near in looked.nearer
        ],
        certificate=None if certificate is None else _certificate(names, certificate),
    )


def _place(names: Names, problem: matching.Problem, place: matching.Alternative) -> PlaceWords:
    first, *others = place.moves
    department = offer_department(problem, place.offer)
    return PlaceWords(
        row_id(department),
        place.block,
        names.place(department),
        minutes_of(problem, first.requirement, place.offer),
        price_words(place.tiers),
        [move_words(names, move, is_asked=False) for move in others],
        place.proven,
    )


def _certificate(names: Names, certificate: matching.Certificate) -> CertificateWords:
    limits = []
    for limit in certificate.limits:
        learners = sorted({names.learner(key) for key in limit.held_by})
        limits.append(LimitWords(broken_words(names, limit, None).words, learners, len(limit.held_by)))
    competing = sorted({names.learner(key) for key in certificate.competing})
    rules = [
        (number, RULES[rule][number != 1])
        for rule, number in Counter(certificate.rules.values()).most_common()
    ]
    return CertificateWords(certificate.kind, competing, limits, rules, certificate.proven)


def _of_run(viewer: Viewer, run: Run) -> Markup | str:
    if not viewer.may(Action.MOVE_BY_HAND):
        return ""
    chain = queries.chain_of(db.session, run)
    goes_on = queries.goes_on_in(db.session, run)
    moves = [said for row in chain if (said := queries.hand_move(row)) is not None]
    if not moves and goes_on is None:
        return ""
    learners = scenarios.references_by_requirement(
        db.session,
        viewer,
        {key for said in moves for key, _, _ in said.moves} | {m.requirement_id for m in moves},
    )
    departments = scenarios.departments_by_id(
        db.session,
        {key for said in moves for _, *ends in said.moves for key in ends if key is not None}
        | {said.department_id for said in moves if said.department_id is not None},
    )
    html = render_template(
        "components/run_by_hand.html",
        run=run,
        moves=moves,
        first=chain[-1],
        goes_on=goes_on,
        learners=learners,
        departments=departments,
    )
    return Markup(html)  # noqa: S704 - a template's own answer


def _marks(session: Session, viewer: Viewer, round_id: int) -> Mapping[int, str]:
    """Beside a run by hand: from which it goes on, and that it was undone."""
    if viewer.role is not Role.ACADEMY_LEAD:
        return {}
    rows = session.execute(
        select(Run.id, Run.parent_id, Run.settings)
        .join(Run.round)
        .where(Run.round_id == round_id, Run.kind == "hand", Round.network_id == viewer.network_id)
    )
    return {
        run_id: f"By hand from run {parent_id}{', undone' if settings.get('undone') else ''}"
        for run_id, parent_id, settings in rows
    }


sections.register_of_placing("review", _of_placing)
sections.register_of_run("review", _of_run)
marks.register(MARKS, _marks)
