"""One event on a published year, mended with the fewest moves: ours beside CP-SAT and HiGHS given it whole.

    uv run --group bench python -m benchmarks.repair [--size demo regional] [--events ...] [--json]

A year is matched first (`--year-seconds`) and published. Then one event of each kind, drawn by the seed, is
repaired from it in a week in the middle of the year: whoever is on site does not move.

The peers get the whole repair as one program in memory (statement.py): the changed match, those on site
fixed, then the fewest in need without a place, by priority, and the fewest moves; from what stands as a
hint. CP-SAT goes tier by tier; HiGHS has these tiers in one weighted cost with weights that keep their
order. Both have `--seconds`. Ours goes on after that to those who were waiting and to the policy's aims: its
seconds are those of the whole repair, `moved_s` is when its fewest moves were settled, which is what the
peers are compared with. Every contender has a process of its own; `peak_mb` is the most memory it held.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from typing import Any

import numpy as np

from benchmarks import printing
from benchmarks.apart import Failed, apart, at_most, peak_mb
from benchmarks.year import Year, standing_answer
from matching import Placing, Policy, Problem, Progress, Requirement, Result
from matching.events import (
    EducatorAway,
    Event,
    LateLearner,
    MustMove,
    PlacesCut,
    SiteClosed,
    Withdrawal,
    apply,
    events_from_json,
    events_to_json,
)
from matching.repair import repair

SIZES = ("tiny", "demo", "regional", "midlands", "national")
KINDS = ("withdrawal", "late learner", "places cut", "educator away", "site closed", "must move")
PEERS = ("cp-sat", "highs")
NOW = 20
Row = dict[str, Any]


def published(make: Year, answer: str) -> Problem:
    """The year with its answer published."""
    problem, result = make(), Result.from_json(answer)
    placings = tuple(Placing(r, o, result.blocks.get(r)) for r, o in result.assignment.items())
    return dataclasses.replace(problem, published=placings)


def event_of(kind: str, problem: Problem, seed: int) -> Event:
    """An event of a kind, drawn by the seed among what is still to come and matters to someone."""
    rng = np.random.default_rng([seed, KINDS.index(kind), 9])
    requirements = {r.key: r for r in problem.requirements}
    offers = {o.key: o for o in problem.offers}
    to_come = [
        p for p in problem.published if p.block is None and min(requirements[p.requirement].weeks) >= NOW
    ]
    placing = to_come[int(rng.integers(len(to_come)))]
    requirement = requirements[placing.requirement]
    department = problem.departments[problem.department_index[offers[placing.offer].department]]
    if kind == "withdrawal":
        return Withdrawal(requirement.learner, NOW)
    if kind == "late learner":
        return _late(problem, requirement)
    if kind == "places cut":
        most = offers[placing.offer].maximum
        weeks = requirement.weeks
        return PlacesCut("offer", placing.offer, weeks, max(0, min(most[w] for w in weeks) - 1))
    if kind == "educator away":
        educators = [e for e in problem.educators if min(e.wte[NOW:]) > 0]
        educator = educators[int(rng.integers(len(educators)))]
        return EducatorAway(educator.key, tuple(range(NOW + 5, NOW + 9)), 0.0)
    if kind == "site closed":
        return SiteClosed(department.site, requirement.weeks)
    return MustMove(placing.requirement, department.site)


def _late(problem: Problem, like: Requirement) -> LateLearner:
    """A learner who joins late, much like another."""
    row = problem.learner_index[like.learner]
    learner = dataclasses.replace(
        problem.learners[row], key="late", attended=(), site_repeats=None, different_sites=None
    )
    own = dataclasses.replace(like, key="late-1", learner="late")
    return LateLearner(learner, (own,), tuple(problem.travel_minutes[row].tolist()))


def ours(make: Year, policy: str, answer: str, kind: str, seconds: float) -> Row:
    """One repair."""
    problem, settings = published(make, answer), Policy.from_json(policy)
    event = event_of(kind, problem, make.seed)
    told: list[Progress] = []
    begin = time.perf_counter()
    found = repair(problem, settings, None, [event], now_week=NOW, seconds=seconds, progress=told.append)
    taken, peak = time.perf_counter() - begin, peak_mb()
    names = [tier.name for tier in found.tiers]
    upto = found.tiers[: names.index("moved") + 1]
    return {
        "contender": "ours",
        "event": events_to_json([event]),
        "seconds": taken,
        "moved_s": max(e.seconds for e in told if e.stage == "moved"),
        "proven": found.proven,
        "status": found.status,
        "moves": len(found.moves),
        "peak_mb": peak,
        "tiers": {tier.name: tier.value for tier in upto},
        "bounds": {tier.name: tier.bound for tier in upto},
        "wrong": [],
    }


def peer(name: str, make: Year, policy: str, answer: str, event: str, seconds: float) -> Row:
    """The whole repair as one program."""
    from benchmarks.answers import checked
    from benchmarks.repairing import repair_statement

    before, settings = published(make, answer), Policy.from_json(policy)
    changed = apply(before, events_from_json(event))
    statement, start = repair_statement(before, changed, settings, NOW)
    with at_most(seconds):
        if name == "cp-sat":
            from benchmarks import cpsat

            found = cpsat.solve_by_tiers(statement, seconds, start=start)
        else:
            from benchmarks import highs_whole

            found = highs_whole.solve_weighted(statement, seconds, start=start)
    peak, counted = peak_mb(), checked(statement, found.chosen)
    values: dict[str, int] = {}
    if found.chosen is not None and not counted.wrong:
        x = np.zeros(len(statement.low), np.int64)
        x[found.chosen] = 1
        values = {tier.name: tier.at(x) for tier in statement.tiers}
    return {
        "contender": name,
        "seconds": found.seconds,
        "proven": found.bounds == values if name == "cp-sat" else found.status == "optimal",
        "peak_mb": peak,
        "wrong": counted.wrong[:3],
        "tiers": values,
    }


def measure(size: str, seed: int, given: Row, answer: str | None = None) -> list[Row]:
    """A row a contender and event; `answer` is the year's, where it is known already."""
    make, policy = Year(size, seed), Policy().to_json()
    if answer is None:
        limit = 3 * given["year_seconds"] + 300
        answer = apart(standing_answer, make, policy, given["year_seconds"], most_seconds=limit)
    rows = []
    for kind in given["events"]:
        first = apart(ours, make, policy, answer, kind, given["ours_seconds"])
        found = [first]
        for name in given["peers"] if kind in given["peer_events"] else ():
            arguments = (name, make, policy, answer, first["event"], given["seconds"])
            try:
                row = apart(peer, *arguments, most_seconds=3 * given["seconds"] + 300)
            except Failed as why:
                row = {"contender": name, "wrong": [str(why)], "tiers": {}, "proven": False}
            if "seconds" in row:
                row["x_ours"] = round(row["seconds"] / first["moved_s"], 1)
            found.append(row)
        rows += [{"bench": "repair", "size": size, "kind": kind, **row} for row in found]
    return rows


def shown(size: str, rows: list[Row], seconds: float) -> str:
    """A line a contender and event."""
    names = sorted(dict.fromkeys(name for row in rows for name in row["tiers"]), key=_order)
    lines: list[list[object]] = []
    for row in rows:
        lines.append([row["kind"], row["contender"], printing.seconds(row.get("seconds"))])
        lines[-1] += [printing.seconds(row.get("moved_s")), row.get("x_ours")]
        lines[-1] += [printing.state(row)]
        lines[-1] += [f"{row['peak_mb']:.0f}" if "peak_mb" in row else None]
        lines[-1] += [row["tiers"].get(name) for name in names]
    heads = (f"repair, {size}", "by", "seconds", "fewest moves s", "x ours", "proven", "peak MB", *names)
    return f"{printing.table(heads, lines)}\npeers have {seconds:g} s\n"


def _order(name: str) -> tuple[int, str]:
    """The place of a tier of a repair among the others."""
    return (["on_site", "unplaced", "moved"].index(name.split("_p")[0].split("_m")[0]), name)


def worse(rows: list[Row]) -> bool:
    """Whether a peer's answer, within the rules, is better in the order of the tiers."""
    for kind in dict.fromkeys(row["kind"] for row in rows):
        first, *others = [row for row in rows if row["kind"] == kind]
        mine = list(first["tiers"].values())
        if any(row["tiers"] and list(row["tiers"].values()) < mine for row in others):
            return True
    return False


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=SIZES, nargs="+", default=["regional"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--year-seconds", type=float, default=20.0)
    parser.add_argument("--ours-seconds", type=float, default=20.0, help="the most for each of our repairs")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each peer")
    parser.add_argument("--peers", choices=PEERS, nargs="*", default=list(PEERS))
    parser.add_argument("--peer-events", choices=KINDS, nargs="*", default=["places cut"])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measures each size and prints its table, or JSON lines. Ends with 1 where a peer's repair is better."""
    asked = parsed(arguments)
    wrong = 0
    for size in asked.size:
        rows = measure(size, asked.seed, vars(asked))
        wrong |= int(worse(rows))
        if asked.json:
            for row in rows:
                print(json.dumps(row), flush=True)
        else:
            print(shown(size, rows, asked.seconds), flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
