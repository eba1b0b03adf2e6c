"""Small random problems and policies for the engine's tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from matching import (
    Agreement,
    Companions,
    Department,
    Educator,
    Learner,
    Lock,
    Offer,
    Placing,
    Policy,
    Problem,
    Requirement,
    Result,
    Rotation,
    Site,
    Trust,
)
from matching.policy import ALONE, TERMS
from matching.recount import Recount

WEEKS = ("2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28")


@lru_cache(maxsize=None, typed=True)
def among(*values: Any) -> st.SearchStrategy:
    """One of some values. Kept: a problem is some hundreds of draws, and to make the strategy anew for each
    took longer than to draw from it."""
    return st.sampled_from(values)


def one_site(
    places: int = 1,
    learners: int = 2,
    *,
    sites: int = 1,
    wte: float | None = None,
    minutes: int = 20,
    weeks: tuple[int, ...] = (0, 1),
) -> Problem:
    """Learners who each need one X-ray place, and sites of one X-ray department with so many places each."""
    return Problem(
        weeks=WEEKS,
        trusts=(Trust("T"),),
        sites=tuple(Site(f"S{j}", "T") for j in range(sites)),
        departments=tuple(
            Department(f"D{j}", f"S{j}", "xray", wte=None if wte is None else (wte,) * 4)
            for j in range(sites)
        ),
        offers=tuple(
            Offer(f"O{j}", f"D{j}", preferred=(places,) * 4, maximum=(places,) * 4) for j in range(sites)
        ),
        learners=tuple(Learner(f"L{i}", "radiography", "1", "H") for i in range(learners)),
        requirements=tuple(Requirement(f"R{i}", f"L{i}", "B1", ("xray",), weeks) for i in range(learners)),
        travel_minutes=np.full((learners, sites), minutes, np.uint16),
    )


@st.composite
def problems(draw: Callable, *, flow: bool = True, most_requirements: int = 5) -> Problem:
    """Random problems small enough to try every assignment. With `flow`, blocks coincide or are disjoint
    and every weight is the same; otherwise blocks overlap, weights differ and learners may need two places
    at once."""
    whole = st.integers
    n_sites, n_learners = draw(whole(1, 3)), draw(whole(1, 4 if flow else 3))
    maybe = st.none() | st.tuples(*[whole(0, 3)] * 4)
    trusts = tuple(Trust(f"T{i}", draw(maybe)) for i in range(2))
    sites = tuple(Site(f"S{j}", f"T{draw(whole(0, 1))}", draw(maybe)) for j in range(n_sites))
    departments, offers = [], []
    for j in range(n_sites):
        for modality in draw(among(("xray",), ("ct",), ("xray", "ct"))):
            wte = draw(st.none() | st.tuples(*[among(0.0, 0.4, 0.5, 1.0, 1.3)] * 4))
            departments.append(Department(f"D{j}{modality}", f"S{j}", modality, draw(maybe), wte))
            for k in range(draw(whole(0, 2))):
                maximum = draw(st.tuples(*[whole(0, 2)] * 4))
                preferred = tuple(draw(whole(0, x)) for x in maximum)
                groups = draw(among((), (), ("a",)))
                stages = draw(among((), (), ("1", "2")))
                offers.append(
                    Offer(f"O{j}{modality}{k}", departments[-1].key, groups, stages, preferred, maximum)
                )
    keys = [s.key for s in sites]
    learners = tuple(
        Learner(
            f"L{i}",
            draw(among(*"ab")),
            draw(among(*"123")),
            "H",
            draw(among("car", "public_transport")),
            draw(among(None, None, "T0")),
            draw(st.booleans()),
            tuple(draw(st.lists(among(*keys), max_size=1))),
            tuple(draw(st.permutations(keys)))[: draw(whole(0, 2))],
            draw(among(None, None, 50)),
        )
        for i in range(n_learners)
    )
    blocks = [(0, 1), (2, 3)] if flow else [(0, 1), (1, 2), (0, 1, 2, 3), (3,)]
    requirements = []
    for i in range(draw(whole(0, most_requirements))):
        learner = i % n_learners
        if flow and i // n_learners >= len(blocks):
            break
        weeks = blocks[(i // n_learners + learner) % 2] if flow else draw(among(*blocks))
        requirements.append(
            Requirement(
                f"R{i}",
                f"L{learner}",
                str(weeks),
                draw(among(("xray",), ("ct",), ("ct", "xray"), ("mri", "xray"))),
                weeks,
                0.5 if flow else draw(among(0.25, 0.5, 0.6)),
                draw(whole(1, 3)),
            )
        )
    locks = []
    for requirement in requirements:
        if draw(whole(0, 4)) == 0:
            place = draw(among(*keys, *[d.key for d in departments]))
            locks.append(Lock(requirement.key, place, draw(among("pin", "ban"))))
    return Problem(
        WEEKS,
        trusts,
        sites,
        tuple(departments),
        tuple(offers),
        learners,
        tuple(requirements),
        tuple(locks),
        np.array(
            [[draw(among(5, 29, 30, 45, 60, 61, 90, 91, 65535)) for _ in keys] for _ in learners],
            np.uint16,
        ).reshape(len(learners), len(keys)),
    )


# -- every rule mixed ------------------------------------------------------------

SWITCHES = (
    "modality_fit",
    "group_fit",
    "exclusion",
    "access",
    "employer",
    "locks",
    "offer_weeks",
    "places",
    "one_place_a_week",
    "accommodation",
    "rotation",
    "site_repeats",
    "different_sites",
    "companions",
    "agreements",
)
BLOCKS = ((0, 1), (1, 2), (2, 3), (0, 1, 2, 3), (3,))


@st.composite
def mixed_problems(draw: Callable, *, most_requirements: int = 5) -> Problem:
    """Random problems with every rule mixed, small enough to try every assignment: up to three sites, three
    learners and four weeks. Each kind of thing is in about half of them, so that the rest can bind."""
    supply = _supply(draw)
    learners = tuple(_learner(draw, f"L{i}", supply["sites"]) for i in range(draw(among(1, 2, 3, 3))))
    minutes = among(5, 30, 20, 40, 45, 46, 61, 91, 65535)
    demand = _demand(draw, learners, most_requirements)
    return Problem(
        weeks=WEEKS,
        **supply,
        learners=learners,
        **demand,
        **_agreed(draw, learners, demand["requirements"], demand["rotations"], supply),
        travel_minutes=np.array([[draw(minutes) for _ in supply["sites"]] for _ in learners], np.uint16),
    )


def _by_week(draw: Callable, *levels: float) -> tuple:
    """One level in all four weeks, rarely the last; now and then another in one of them."""
    out = [draw(among(*levels[:-1], *levels[:-1], *levels))] * 4
    if draw(st.integers(0, 2)) == 2:
        out[draw(st.integers(0, 3))] = draw(among(*levels))
    return tuple(out)


def _some(draw: Callable, most: int) -> range:
    """None half of the time, else up to `most` of something."""
    return range(draw(st.integers(1, most)) if draw(st.booleans()) else 0)


def _supply(draw: Callable) -> dict[str, tuple]:
    caps, wte, beds, closed = (draw(st.booleans()) for _ in range(4))
    maybe = st.integers(0, 2).map(lambda x: x == 2)
    trusts = tuple(
        Trust(f"T{i}", _by_week(draw, 2, 1, 3) if caps and draw(maybe) else None) for i in range(2)
    )
    sites = tuple(
        Site(
            f"S{j}",
            f"T{draw(st.integers(0, 1))}",
            _by_week(draw, 1, 2, 0) if caps and draw(maybe) else None,
            draw(among(("lift",), ("lift", "loop"), ())),
            _by_week(draw, 1, 2, 0) if beds else None,
        )
        for j in range(draw(among(1, 2, 3, 3)))
    )
    departments, offers = [], []
    for site in sites:
        for modality in draw(among(("xray",), ("xray",), ("xray",), ("ct",), ("xray", "ct"))):
            own = _by_week(draw, 0.5, 1.0, 1.3, 0.4, 0.0) if wte and draw(st.booleans()) else None
            places = _by_week(draw, 1, 2, 0) if caps and draw(maybe) else None
            departments.append(Department(f"D{site.key}{modality}", site.key, modality, places, own))
            for k in range(draw(among(1, 1, 1, 1, 1, 2, 0))):
                maximum = _by_week(draw, 1, 2, 0) if draw(st.booleans()) else (2,) * 4
                offers.append(
                    Offer(
                        f"O{site.key}{modality}{k}",
                        departments[-1].key,
                        ("a",) if closed and draw(maybe) else (),
                        ("1", "2") if closed and draw(maybe) else (),
                        tuple(draw(st.integers(0, x)) for x in maximum),
                        maximum,
                    )
                )
    served = st.lists(among(*[d.key for d in departments]), min_size=1, max_size=3, unique=True)
    choosy = draw(st.booleans())
    educators = tuple(_educator(draw, f"E{i}", tuple(draw(served)), choosy) for i in _some(draw, 3))
    return {
        "trusts": trusts,
        "sites": sites,
        "departments": tuple(departments),
        "offers": tuple(offers),
        "educators": educators,
    }


def _educator(draw: Callable, key: str, departments: tuple[str, ...], choosy: bool) -> Educator:
    """An educator, in some problems of some learners only or with a most at once."""
    kinds = st.tuples(among(*"aab"), among(None, None, "1", "2", "3"))
    whom = (
        draw(st.lists(kinds, min_size=1, max_size=2, unique=True)) if choosy and draw(st.booleans()) else []
    )
    most = _by_week(draw, 1, 2, 0) if choosy and draw(st.booleans()) else None
    return Educator(key, departments, _by_week(draw, 0.5, 1.0, 0.3, 0.0), tuple(whom), most)


def _learner(draw: Callable, key: str, sites: tuple[Site, ...]) -> Learner:
    site = among(*[s.key for s in sites])
    tied, narrow = (draw(st.integers(0, 2)) == 2 for _ in range(2))
    varied, liking = draw(st.booleans()), draw(st.booleans())
    return Learner(
        key,
        draw(among(*"aab")),
        draw(among(*"123")),
        draw(among(*"HG")),
        draw(among("car", "public_transport")),
        employer="T0" if tied else None,
        released=tied and draw(st.booleans()),
        excluded_sites=(draw(site),) if narrow and draw(st.booleans()) else (),
        preferences=tuple(draw(st.permutations([s.key for s in sites])))[: draw(st.integers(1, 2))]
        if liking
        else (),
        travel_limit_minutes=50 if narrow and draw(st.booleans()) else None,
        access_needs=("lift",) if narrow and draw(st.booleans()) else (),
        accommodation=draw(st.booleans()),
        attended=tuple(draw(st.lists(site, min_size=1, max_size=2))) if varied else (),
        past_minutes=draw(among(0, 7, 60, 95)),
        site_repeats=draw(among(1, 2, 3, 0)) if varied and draw(st.booleans()) else None,
        different_sites=draw(st.integers(2, 4)) if draw(st.booleans()) else None,
        hub=draw(among(None, "T0", "T1")),
    )


def _demand(draw: Callable, learners: tuple[Learner, ...], most: int) -> dict[str, tuple]:
    mixed, floating = draw(st.booleans()), draw(st.booleans())
    rotations = []
    if floating:
        blocks = draw(st.lists(among(*BLOCKS[:3]), min_size=1, max_size=3))
        rotations.append(Rotation("F", "L0", tuple(f"B{b}" for b in range(len(blocks))), tuple(blocks)))
    requirements = []
    for i in range(min(most, draw(among(1, 2, 3, 4, 4, 5, 5)))):
        whose = draw(st.integers(0, len(learners) - 1))
        floats = floating and whose == 0 and draw(st.integers(0, 2)) > 0
        weeks = () if floats else draw(among(*(BLOCKS if mixed else BLOCKS[:3:2])))
        requirements.append(
            Requirement(
                f"R{i}",
                f"L{whose}",
                "" if floats else str(weeks),
                draw(among(("xray",), ("ct", "xray"), ("xray", "ct"), ("mri", "xray"), ("ct",))),
                weeks,
                draw(among(0.5, 0.25, 0.6)) if mixed else 0.5,
                draw(st.integers(1, 2)),
                "F" if floats else None,
            )
        )
    return {"requirements": tuple(requirements), "rotations": tuple(rotations)}


def _agreed(
    draw: Callable,
    learners: tuple[Learner, ...],
    requirements: tuple[Requirement, ...],
    rotations: tuple[Rotation, ...],
    supply: dict[str, tuple],
) -> dict[str, tuple]:
    place = among(*[x.key for x in (*supply["sites"], *supply["departments"])])
    locks, published, companions, agreements = [], [], [], []
    locked, before = draw(st.booleans()), draw(st.booleans())
    for requirement in requirements:
        if locked and draw(st.integers(0, 2)) == 2:
            locks.append(Lock(requirement.key, draw(place), draw(among("pin", "ban"))))
        if before and supply["offers"] and draw(st.booleans()):
            block = draw(among(*rotations[0].blocks)) if requirement.rotation else None
            published.append(Placing(requirement.key, draw(st.sampled_from(supply["offers"])).key, block))
    keys = [x.key for x in learners]
    for i in _some(draw, 2) if len(keys) > 1 else ():
        who = draw(st.lists(among(*keys), min_size=2, max_size=len(keys), unique=True))
        companions.append(Companions(f"C{i}", draw(among("together", "apart")), tuple(who)))
    for i in _some(draw, 2):
        least = draw(st.integers(0, 2))
        agreements.append(
            Agreement(
                f"A{i}",
                draw(among(*"HG")),
                draw(among("T0", "T1")),
                least,
                draw(st.none() | st.integers(least, 2)),
                draw(among((), (), ("a",))),
                draw(among((), (), ("1", "3"))),
            )
        )
    return {
        "locks": tuple(locks),
        "companions": tuple(companions),
        "agreements": tuple(agreements),
        "published": tuple(published),
    }


@st.composite
def mixed_policies(draw: Callable) -> Policy:
    """Random policies: any aims in any tiers, now and then a rule switched off."""
    order = draw(st.permutations(TERMS))[: draw(st.integers(1, 6))]
    made: list[dict[str, int]] = []
    for term in order:
        joined = bool(made) and term not in ALONE and not set(made[-1]) & set(ALONE) and draw(st.booleans())
        if not joined:
            made.append({})
        made[-1][term] = draw(st.integers(1, 3))
    off = draw(st.lists(among(*SWITCHES), max_size=2)) if draw(st.booleans()) else []
    return Policy(
        supervision=draw(among(1.0, 1.0, 0.8, None)),
        above_preferred=draw(st.integers(0, 9)),
        preference_step=draw(st.integers(0, 20)),
        travel_limit=draw(
            st.sampled_from([{"car": 90, "public_transport": 60}, {"car": 45, "public_transport": 1000}])
        ),
        supervisor_load=draw(among(((50, 2), (75, 4), (90, 8)), ((0, 3),), ())),
        seed=draw(st.integers(0, 3)),
        tiers=tuple(made),
        **dict.fromkeys(off, False),
    )


@st.composite
def locked_problems(draw: Callable, *, most_locks: int = 6) -> Problem:
    """Problems with every rule mixed in which most requirements are pinned, mostly where a place is open to
    them by themselves, and some banned besides."""
    problem = draw(mixed_problems(most_requirements=6))
    count = Recount(dataclasses.replace(problem, locks=()), Policy(), Result("optimal"))
    anywhere = [x.key for x in (*problem.sites, *problem.departments)]
    locks = []
    for requirement in problem.requirements:
        stays = count.open_to(requirement)
        places = sorted({x for s in stays for x in (s.site.key, s.site.key, s.department.key)})
        for kind in draw(among(("pin",), ("pin",), ("pin",), ("pin", "ban"), ("pin", "pin"), ())):
            open_to = places if kind == "pin" and draw(st.integers(0, 5)) else anywhere
            locks.append(Lock(requirement.key, draw(among(*(open_to or anywhere))), kind))
    return dataclasses.replace(problem, locks=tuple(locks[:most_locks]))
