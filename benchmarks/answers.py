"""What a peer answers to a statement, and what the checker makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.options import Ints
from benchmarks.statement import Statement
from matching import Policy, Problem, Reason, Result, Share, Tier, verify
from matching.explain import refused_sites
from matching.recount import Recount
from matching.recount_aims import aims, costs, tiers
from matching.shares import share_out
from matching.tables import Tables


@dataclass
class Answer:
    """`chosen` are the options taken (None: no answer); `bounds` what the peer proved, by tier; `claimed` the
    values it said it reached; `proved_s` when it had proven a tier, `first_s` when it had a first answer,
    `seconds` when it ended."""

    chosen: Ints | None = None
    bounds: dict[str, int] = field(default_factory=dict)
    claimed: dict[str, int] = field(default_factory=dict)
    proved_s: dict[str, float] = field(default_factory=dict)
    first_s: float | None = None
    seconds: float = 0.0
    status: str = ""


def as_result(statement: Statement, chosen: Ints) -> Result | None:
    """The options taken as a result that the checker can read. The educators' time is split afresh at the
    least load cost, which can only help the peer; None where no split can supervise them."""
    problem, policy, options = statement.problem, statement.policy, statement.options
    tables = Tables(problem)
    requirement, offer = options.requirement[chosen], options.offer[chosen]
    supervised = []
    for teams in (tables.teams, tables.heads):
        total = np.zeros((len(teams.department), len(problem.weeks)), np.int64)
        cell, amount = tables.cell(teams, requirement, offer), tables.amount(teams)[requirement]
        for k in np.flatnonzero(cell >= 0).tolist():
            total[cell[k], options.covers[options.week_set[chosen[k]]]] += amount[k]
        supervised.append(total)
    split = share_out(tables, policy, *supervised)
    if split is None:
        return None
    keys = [problem.requirements[r].key for r in options.requirement[chosen].tolist()]
    blocks = {}
    for key, k in zip(keys, chosen.tolist(), strict=True):
        rotation = problem.rotation_of(problem.requirements[options.requirement[k]])
        if rotation is not None:
            blocks[key] = rotation.blocks[options.block[k]]
    plain = Result(
        "gap",
        {key: problem.offers[o].key for key, o in zip(keys, options.offer[chosen].tolist(), strict=True)},
        _reasons(statement, tables, chosen),
        blocks=blocks,
        shares=tuple(
            Share(problem.educators[e].key, problem.departments[d].key, problem.weeks[w], y / 1000)
            for (e, d, w), y in sorted(split.shares.items())
        ),
    )
    return _summed(problem, policy, plain)


def _reasons(statement: Statement, tables: Tables, chosen: Ints) -> dict[str, Reason]:
    """A reason for everyone left over: the checker wants one, though no peer gives any."""
    requirements = statement.problem.requirements
    placed = np.zeros(len(requirements), np.bool_)
    placed[statement.options.requirement[chosen]] = True
    open_to = np.zeros(len(requirements), np.bool_)
    open_to[statement.options.requirement] = True
    left = np.flatnonzero(~placed)
    out = {}
    for r, rules in zip(left.tolist(), refused_sites(tables, statement.policy, left), strict=True):
        key = requirements[r].key
        if open_to[r]:
            out[key] = Reason("shortage", rules, competing=(key,), proven=False)
        else:
            out[key] = Reason("rules", rules)
    return out


def _summed(problem: Problem, policy: Policy, plain: Result) -> Result:
    """With the tiers that the checker itself counts; nothing is said to be proven."""
    count = Recount(problem, policy, plain)
    stays = count.stays()
    index = {monday: w for w, monday in enumerate(problem.weeks)}
    shares = {(s.educator, s.department, index[s.week]): round(s.wte * 1000) for s in plain.shares}
    counted = aims(count, stays, shares)
    values = tiers(count, stays, counted)
    return Result(
        "infeasible_locks" if values.get("unplaced_pinned") else "gap",
        plain.assignment,
        plain.unplaced,
        tuple(Tier(name, v, 0, 1.0 if v else 0.0) for name, v in values.items()),
        objective=sum(values[name] for name in policy.tier_names),
        costs=costs(count, counted),
        blocks=plain.blocks,
        shares=plain.shares,
    )


@dataclass
class Checked:
    """Each tier as the checker counts it, and what it found wrong (nothing: the answer counts)."""

    values: dict[str, int]
    wrong: list[str]


def checked(statement: Statement, chosen: Ints | None) -> Checked:
    """What the checker makes of the options taken."""
    if chosen is None:
        return Checked({}, ["no answer"])
    result = as_result(statement, chosen)
    if result is None:
        return Checked({}, ["supervision: the educators' time cannot be split so"])
    wrong = [str(violation) for violation in verify(statement.problem, statement.policy, result)]
    return Checked({tier.name: tier.value for tier in result.tiers}, wrong)


def standing_options(statement: Statement, assignment: Mapping[str, str], blocks: Mapping[str, str]) -> Ints:
    """The options that an allocation takes; a placing that is no option any more is left out."""
    problem, options = statement.problem, statement.options
    offer = np.full(len(problem.requirements), -1, np.int64)
    block = np.full(len(problem.requirements), -1, np.int64)
    for key, place in assignment.items():
        r = problem.requirement_index.get(key)
        if r is None:
            continue
        offer[r] = problem.offer_index[place]
        rotation = problem.rotation_of(problem.requirements[r])
        if rotation is not None and blocks.get(key) in rotation.blocks:
            block[r] = rotation.blocks.index(blocks[key])
    of = options.requirement
    return np.flatnonzero((options.offer == offer[of]) & (options.block == block[of]))


def with_one_at(statement: Statement, requirement: str, offer: str, block: str | None) -> Statement:
    """The same match with one requirement held at a place."""
    at = standing_options(statement, {requirement: offer}, {requirement: block} if block else {})
    low = statement.low.copy()
    low[at] = 1
    return dataclasses.replace(statement, low=low)
