"""Small random problems for the engine's tests, and the answer by trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from matching import Department, Learner, Lock, Offer, Policy, Problem, Requirement, Result, Site, Trust
from matching.recount import Recount

WEEKS = ("2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28")


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
        for modality in draw(st.sampled_from([["xray"], ["ct"], ["xray", "ct"]])):
            wte = draw(st.none() | st.tuples(*[st.sampled_from([0.0, 0.4, 0.5, 1.0, 1.3])] * 4))
            departments.append(Department(f"D{j}{modality}", f"S{j}", modality, draw(maybe), wte))
            for k in range(draw(whole(0, 2))):
                maximum = draw(st.tuples(*[whole(0, 2)] * 4))
                preferred = tuple(draw(whole(0, x)) for x in maximum)
                groups = draw(st.sampled_from([(), (), ("a",)]))
                stages = draw(st.sampled_from([(), (), ("1", "2")]))
                offers.append(
                    Offer(f"O{j}{modality}{k}", departments[-1].key, groups, stages, preferred, maximum)
                )
    keys = [s.key for s in sites]
    learners = tuple(
        Learner(
            f"L{i}",
            draw(st.sampled_from("ab")),
            draw(st.sampled_from("123")),
            "H",
            draw(st.sampled_from(["car", "public_transport"])),
            draw(st.sampled_from([None, None, "T0"])),
            draw(st.booleans()),
            tuple(draw(st.lists(st.sampled_from(keys), max_size=1))),
            tuple(draw(st.permutations(keys)))[: draw(whole(0, 2))],
            draw(st.sampled_from([None, None, 50])),
        )
        for i in range(n_learners)
    )
    blocks = [(0, 1), (2, 3)] if flow else [(0, 1), (1, 2), (0, 1, 2, 3), (3,)]
    requirements = []
    for i in range(draw(whole(0, most_requirements))):
        learner = i % n_learners
        if flow and i // n_learners >= len(blocks):
            break
        weeks = blocks[(i // n_learners + learner) % 2] if flow else draw(st.sampled_from(blocks))
        requirements.append(
            Requirement(
                f"R{i}",
                f"L{learner}",
                str(weeks),
                draw(st.sampled_from([("xray",), ("ct",), ("ct", "xray"), ("mri", "xray")])),
                weeks,
                0.5 if flow else draw(st.sampled_from([0.25, 0.5, 0.6])),
                draw(whole(1, 3)),
            )
        )
    locks = []
    for requirement in requirements:
        if draw(whole(0, 4)) == 0:
            place = draw(st.sampled_from([*keys, *[d.key for d in departments]]))
            locks.append(Lock(requirement.key, place, draw(st.sampled_from(["pin", "ban"]))))
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
            [[draw(st.sampled_from([5, 29, 30, 45, 60, 61, 90, 91, 65535])) for _ in keys] for _ in learners],
            np.uint16,
        ).reshape(len(learners), len(keys)),
    )


def best_by_trying(problem: Problem, policy: Policy) -> tuple[int, ...]:
    """The lexicographic best (unplaced pinned or by priority, then cost) over every assignment the checker
    allows."""
    choices = []
    check = Recount(problem, policy, Result("optimal"))
    for requirement in problem.requirements:
        choices.append([None, *(o.key for o in check.can_go(requirement))])
    best: tuple[int, ...] | None = None
    for pick in itertools.product(*choices):
        assignment = {r.key: o for r, o in zip(problem.requirements, pick, strict=True) if o is not None}
        check.result = Result("optimal", assignment)
        if next(check.places(), None) or next(check.supervision(), None) or next(check.one_place(), None):
            continue
        value = tier_values(problem, policy, assignment, sum(check.costs().values()))
        if best is None or value < best:
            best = value
    assert best is not None
    return best


def tier_values(problem: Problem, policy: Policy, assignment: dict[str, str], cost: int) -> tuple[int, ...]:
    """Unplaced by tier in order, then cost, for every tier from pinned to priority 9."""
    pinned = {lock.requirement for lock in problem.locks if lock.kind == "pin" and policy.locks}
    out = [0] * 10
    for r in problem.requirements:
        if r.key not in assignment:
            out[0 if r.key in pinned else r.priority] += 1
    return (*out, cost)
