"""What an academy lead wants moved, and what the engine says of it before anything is saved."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Literal

import matching
from placements.review.desk import Hand

Kind = Literal["move", "swap", "pin", "ban"]
KINDS: tuple[Kind, ...] = ("move", "swap", "pin", "ban")


@dataclass(frozen=True)
class Wanted:
    """A requirement moved to a department (in a block, where it floats), swapped with another, pinned where
    it is, or banned from a department. `others`: others may move to make room, or to make it cheaper."""

    kind: Kind
    requirement_id: int
    department_id: int | None = None
    block: str | None = None
    other_id: int | None = None
    others: bool = False

    @property
    def name(self) -> str:
        """One name for each wish."""
        return json.dumps(dataclasses.astuple(self))


@dataclass(frozen=True)
class Plan:
    """What a wish comes to. `broken`: what it breaks with everyone else in place; then `moves` are those by
    which others make room, none where they cannot. `locks` are what keeps it so in later runs."""

    wanted: Wanted
    moves: tuple[matching.Move, ...]
    broken: tuple[matching.FullLimit, ...]
    tiers: tuple[matching.TierChange, ...]
    locks: tuple[matching.Lock, ...]
    is_possible: bool

    @property
    def asked_for(self) -> set[str]:
        """The requirements whose moving was asked for."""
        asked = {f"r{self.wanted.requirement_id}"}
        return asked if self.wanted.other_id is None else asked | {f"r{self.wanted.other_id}"}

    @property
    def others(self) -> tuple[matching.Move, ...]:
        """The moves of learners whom nobody asked to move."""
        return tuple(move for move in self.moves if move.requirement not in self.asked_for)

    @property
    def seen(self) -> str:
        """What was shown, told apart from any other plan."""
        shown = (
            [dataclasses.astuple(move) for move in self.moves],
            [dataclasses.astuple(lock) for lock in self.locks],
        )
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]


def plan(hand: Hand, wanted: Wanted) -> Plan:
    """What the wish breaks, moves and costs."""
    return {"move": _move, "swap": _swap, "pin": _pin, "ban": _ban}[wanted.kind](hand, wanted)


def department_of(hand: Hand, requirement: str) -> str | None:
    """The department where a requirement is, by key."""
    offer = hand.result.assignment.get(requirement)
    return None if offer is None else offer_department(hand.problem, offer)


def offer_department(problem: matching.Problem, offer: str) -> str:
    """The department of an offer, by key."""
    return problem.offers[problem.offer_index[offer]].department


def _move(hand: Hand, wanted: Wanted) -> Plan:
    key, department = f"r{wanted.requirement_id}", f"d{wanted.department_id}"
    found = matching.effect(hand.standing, [matching.Wish(key, department, wanted.block)])
    locks = (matching.Lock(key, department, "pin"),)
    if not found.broken and not wanted.others:
        return Plan(wanted, found.moves, (), found.tiers, locks, is_possible=True)
    tried = matching.alternatives(
        hand.problem,
        hand.policy,
        hand.result,
        key,
        most=1 if wanted.block is None else 12,
        at=department,
        standing=hand.standing,
    )
    best = next((row for row in tried if wanted.block in (None, row.block)), None)
    if best is None:
        return Plan(wanted, found.moves, found.broken, found.tiers, locks, is_possible=not found.broken)
    return Plan(wanted, best.moves, found.broken, best.tiers, locks, is_possible=True)


def _swap(hand: Hand, wanted: Wanted) -> Plan:
    one, two = f"r{wanted.requirement_id}", f"r{wanted.other_id}"
    here, there = department_of(hand, one), department_of(hand, two)
    found = matching.effect(hand.standing, [matching.Wish(one, there), matching.Wish(two, here)])
    locks = tuple(
        matching.Lock(key, place, "pin") for key, place in ((one, there), (two, here)) if place is not None
    )
    return Plan(wanted, found.moves, found.broken, found.tiers, locks, is_possible=not found.broken)


def _pin(hand: Hand, wanted: Wanted) -> Plan:
    key = f"r{wanted.requirement_id}"
    place = department_of(hand, key)
    locks = () if place is None else (matching.Lock(key, place, "pin"),)
    return Plan(wanted, (), (), _as_they_are(hand), locks, is_possible=place is not None)


def _ban(hand: Hand, wanted: Wanted) -> Plan:
    key, department = f"r{wanted.requirement_id}", f"d{wanted.department_id}"
    locks = (matching.Lock(key, department, "ban"),)
    if department_of(hand, key) != department:
        return Plan(wanted, (), (), _as_they_are(hand), locks, is_possible=True)
    tried = matching.alternatives(
        hand.problem,
        hand.policy,
        hand.result,
        key,
        most=1,
        away_from=department,
        standing=hand.standing,
    )
    if tried:
        return Plan(wanted, tried[0].moves, (), tried[0].tiers, locks, is_possible=True)
    found = matching.effect(hand.standing, [matching.Wish(key, None)])
    return Plan(wanted, found.moves, found.broken, found.tiers, locks, is_possible=not found.broken)


def _as_they_are(hand: Hand) -> tuple[matching.TierChange, ...]:
    return tuple(
        matching.TierChange(tier.name, tier.value, tier.value, tier.bound) for tier in hand.result.tiers
    )
