"""The rules over several placings, counted from the data types alone: places and beds by week, and what one
learner's, two companions' or an HEI's placings owe each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from matching.problem import Learner
from matching.recount import Recount, Stay, Violation, covers


def broken_together(count: Recount, stays: list[Stay]) -> Iterator[Violation]:
    """Every rule in force over several placings that these break. O(placings x weeks + companions).

    None is ever mended by a further placing, so that a set which breaks one can be given up.
    """
    policy = count.policy
    if policy.places:
        yield from _places(count, stays)
    if policy.accommodation:
        yield from _beds(count, stays)
    if policy.companions:
        yield from _companions(count, stays)
    if policy.agreements:
        yield from _agreements(count, stays)
    for learner, mine in by_learner(stays):
        if policy.one_place_a_week:
            yield from _one_place(count, mine)
        if policy.rotation:
            yield from _rotation(mine)
        if policy.site_repeats and learner.site_repeats is not None:
            yield from _site_repeats(learner, learner.site_repeats, mine)
        if policy.different_sites:
            yield from _different_sites(count, learner, mine)


def by_learner(stays: list[Stay]) -> Iterator[tuple[Learner, list[Stay]]]:
    """Each learner placed and their placings."""
    mine: dict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        mine[stay.learner.key].append(stay)
    for held in mine.values():
        yield held[0].learner, held


def repeats(learner: Learner, mine: list[Stay]) -> int:
    """A learner's placings at a site attended before or used by another of them: those beyond the sites that
    are new."""
    return len(mine) - len({stay.site.key for stay in mine} - set(learner.attended))


def places_of(count: Recount, level: str, key: str) -> tuple[int, ...] | None:
    """The declared places by week of an offer, department, site or trust; None is no cap or none such."""
    if level == "offer":
        return count.offers[key].maximum if key in count.offers else None
    if level == "department":
        return count.departments[key].places if key in count.departments else None
    if level == "site":
        return count.sites[key].places if key in count.sites else None
    return count.trusts[key].places if level == "trust" and key in count.trusts else None


def _places(count: Recount, stays: list[Stay]) -> Iterator[Violation]:
    used: dict[tuple[str, str, int], int] = defaultdict(int)
    for stay in stays:
        for w in stay.weeks:
            used["offer", stay.offer.key, w] += 1
            used["department", stay.department.key, w] += 1
            used["site", stay.site.key, w] += 1
            used["trust", stay.site.trust, w] += 1
    for (level, key, w), held in used.items():
        most = places_of(count, level, key)
        if most is not None and held > most[w]:
            found = f"{held} learners in {count.problem.weeks[w]}, {most[w]} places"
            yield Violation("places", f"{level} {key}", found)


def _beds(count: Recount, stays: list[Stay]) -> Iterator[Violation]:
    used: dict[tuple[str, int], int] = defaultdict(int)
    for stay in stays:
        if count.in_bed(stay):
            for w in stay.weeks:
                used[stay.site.key, w] += 1
    for (key, w), held in used.items():
        beds = count.sites[key].accommodation
        if beds is not None and held > beds[w]:
            found = f"{held} learners beyond their travel limit in {count.problem.weeks[w]}, {beds[w]} beds"
            yield Violation("accommodation", f"site {key}", found)


def _one_place(count: Recount, mine: list[Stay]) -> Iterator[Violation]:
    busy: dict[int, Stay] = {}
    for stay in mine:
        for w in stay.weeks:
            other = busy.setdefault(w, stay)
            if other is not stay:
                twice = f"learner {stay.learner.key} is placed twice in {count.problem.weeks[w]}"
                found = f"{twice} (with {other.requirement.key})"
                yield Violation("one_place_a_week", stay.requirement.key, found)


def _rotation(mine: list[Stay]) -> Iterator[Violation]:
    taken: dict[tuple[str, str], str] = {}
    for stay in mine:
        if stay.requirement.rotation is not None and stay.block is not None:
            other = taken.setdefault((stay.requirement.rotation, stay.block), stay.requirement.key)
            if other != stay.requirement.key:
                found = f"block {stay.block} of learner {stay.learner.key} is taken by {other} already"
                yield Violation("rotation", stay.requirement.key, found)


def _site_repeats(learner: Learner, most: int, mine: list[Stay]) -> Iterator[Violation]:
    here: dict[str, int] = defaultdict(int)
    for stay in mine:
        here[stay.site.key] += 1
    for site, now in here.items():
        before = learner.attended.count(site)
        if before + now > most:
            found = f"at {site} {now} times after {before} in earlier rounds, at most {most} together"
            yield Violation("site_repeats", f"learner {learner.key}", found)


def _different_sites(count: Recount, learner: Learner, mine: list[Stay]) -> Iterator[Violation]:
    again, most = repeats(learner, mine), count.most_repeats(learner)
    if again > most:
        found = f"{again} placings repeat a site, at most {most} may, to reach {learner.different_sites}"
        yield Violation("different_sites", f"learner {learner.key}", f"{found} different sites")


def _companions(count: Recount, stays: list[Stay]) -> Iterator[Violation]:
    if not count.problem.companions:
        return
    of = {learner.key: mine for learner, mine in by_learner(stays)}
    for companions in count.problem.companions:
        together = companions.kind == "together"
        for one, two in combinations([key for key in companions.learners if key in of], 2):
            for a in of[one]:
                for b in of[two]:
                    if (a.site.key == b.site.key) != together and not set(a.weeks).isdisjoint(b.weeks):
                        where = f"at {a.site.key} and {b.site.key}" if together else f"both at {a.site.key}"
                        found = f"learners {one} and {two}, who stay {companions.kind}, are {where}"
                        yield Violation("companions", a.requirement.key, f"{found} in the same week")


def _agreements(count: Recount, stays: list[Stay]) -> Iterator[Violation]:
    for key, held in agreed(count, stays).items():
        most = count.agreements[key].most
        if most is not None and held > most:
            a = count.agreements[key]
            found = f"{held} placings of {a.hei} with trust {a.trust}, at most {most} agreed"
            yield Violation("agreements", f"agreement {key}", found)


def agreed(count: Recount, stays: list[Stay]) -> dict[str, int]:
    """The placings that each agreement speaks of, by its key."""
    held = dict.fromkeys(count.agreements, 0)
    at: dict[tuple[str, str], list[str]] = defaultdict(list)
    for a in count.problem.agreements:
        at[a.hei, a.trust].append(a.key)
    if at:
        for stay in stays:
            for key in at.get((stay.learner.hei, stay.site.trust), ()):
                held[key] += covers(count.agreements[key], stay.learner)
    return held
