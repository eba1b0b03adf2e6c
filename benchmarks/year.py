"""A whole year with every rule on: ours beside OR-Tools CP-SAT and HiGHS, same instance, seconds and cores.

    uv run --group bench python -m benchmarks.year [--size regional ...] [--seconds 30] [--cores 2] [--json]

Four contenders, each in a process of its own:

    ours       `matching.solve`: rules, model, search, reasons and the check are all inside its seconds
    cp-sat     in stages that keep the tiers' order, from nothing, all within the same seconds (cpsat.py)
    highs 1st  HiGHS given the whole program, the first tier of placing alone (highs_whole.py)
    highs all  HiGHS given the whole program, all tiers in one weighted cost

The peers get a statement of the match (statement.py) in memory before their clock starts. Every answer is
counted by `matching.verify`; one that it refuses is not counted. A peer that has not stopped after half as
long again is ended. For each tier: the value, the bound proven,
the gap, when it was proven, and the peer's value as a multiple of ours. A tier's bound holds for answers that
are as good in the tiers before it. `first_s` is the first answer within the rules: ours as `Progress` tells
it, a peer's as its callback does. `peak_mb` is the most memory of the process until its answer, problem
included.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import printing
from benchmarks.apart import Failed, apart, at_most, peak_mb
from matching import Policy, Problem, Progress, solve, verify
from matching.generate_year import generate_year

SIZES = ("tiny", "demo", "regional", "midlands", "national")
# What MATCHING.md gives each size.
SECONDS = {"tiny": 10.0, "demo": 30.0, "regional": 30.0, "midlands": 90.0, "national": 600.0}
PEERS = ("cp-sat", "highs 1st", "highs all")
Row = dict[str, Any]


def ours(make: Callable[[], Problem], policy: str, seconds: float, cores: int) -> Row:
    """One solve, with what its progress tells."""
    del cores  # the process may use no more than these anyway
    problem, settings = make(), Policy.from_json(policy)
    told: list[Progress] = []
    begin = time.perf_counter()
    result = solve(problem, settings, seconds=seconds, progress=told.append)
    taken, peak = time.perf_counter() - begin, peak_mb()
    wrong = [str(violation) for violation in verify(problem, settings, result)]
    return {
        "contender": "ours",
        "requirements": len(problem.requirements),
        "status": result.status,
        "seconds": taken,
        "first_s": next((event.seconds for event in told if event.incumbent is not None), taken),
        "peak_mb": peak,
        "wrong": wrong[:3],
        "answer": result.to_json(),
        "tiers": [
            {
                "name": tier.name,
                "value": tier.value,
                "bound": tier.bound,
                "gap": tier.gap,
                "proved_s": _proved(told, tier.name, taken) if tier.gap == 0 else None,
            }
            for tier in result.tiers
        ],
    }


def peer(name: str, make: Callable[[], Problem], policy: str, seconds: float, cores: int) -> Row:
    """One peer's answer, counted by the checker."""
    from benchmarks.answers import checked
    from benchmarks.statement import state

    statement = state(make(), Policy.from_json(policy))
    with at_most(seconds):
        answer = _contender(name)(statement, seconds, cores)
    peak, found = peak_mb(), checked(statement, answer.chosen)
    tiers = []
    last = next(i for i, tier in enumerate(statement.tiers) if tier.name.startswith("unplaced"))
    # HiGHS with the first tier alone was not asked about the others.
    upto = last + 1 if name == "highs 1st" else None
    for tier, value in list(found.values.items())[:upto]:
        # A bound is of one tier with those before it held: it says nothing where the answer ended elsewhere.
        bound = answer.bounds.get(tier)
        gap = None if bound is None else (value - bound) / value if value else 0.0
        proved = answer.proved_s.get(tier) if gap == 0 else None
        tiers.append({"name": tier, "value": value, "bound": bound, "gap": gap, "proved_s": proved})
    return {
        "contender": name,
        "status": answer.status,
        "seconds": answer.seconds,
        "first_s": answer.first_s,
        "peak_mb": peak,
        "wrong": found.wrong[:3],
        "tiers": tiers,
    }


def _contender(name: str) -> Callable[..., Any]:
    if name == "cp-sat":
        from benchmarks import cpsat

        return cpsat.solve_by_tiers
    from benchmarks import highs_whole

    return highs_whole.solve_placing if name == "highs 1st" else highs_whole.solve_weighted


def _proved(told: list[Progress], tier: str, taken: float) -> float:
    """When the last part's tier was settled; with nothing told of it, at the end. The stage of a tier is its
    name and what was reached."""
    return max((event.seconds for event in told if event.stage.split(":")[0] == tier), default=taken)


def measure(
    make: Callable[[], Problem], policy: str, seconds: float, cores: int, peers: tuple[str, ...] = PEERS
) -> Iterator[Row]:
    """A row a contender, ours first and with its `answer` as JSON; what failed or was refused by the checker
    has no tiers and says why."""
    most = 3 * seconds + 300
    first = apart(ours, make, policy, seconds, cores, cores=cores, most_seconds=most)
    best = {tier["name"]: tier["value"] for tier in first["tiers"]}
    rows = [first]
    for name in peers:
        try:
            row = apart(peer, name, make, policy, seconds, cores, cores=cores, most_seconds=most)
        except Failed as why:
            row = {"contender": name, "status": "failed", "wrong": [str(why)], "tiers": []}
        if row["wrong"]:
            row["tiers"] = []
        for tier in row["tiers"]:
            mine = best[tier["name"]]
            tier["ratio"] = round(tier["value"] / mine, 6) if mine else None if tier["value"] else 1.0
        rows.append(row)
    for row in rows:
        for name in ("seconds", "first_s", "peak_mb"):
            if row.get(name) is not None:
                row[name] = round(row[name], 3)
        yield row


class Year:
    """Makes the problem in the process that needs it."""

    def __init__(self, size: str, seed: int) -> None:
        self.size, self.seed = size, seed

    def __call__(self) -> Problem:
        return generate_year(self.size, self.seed)


def standing_answer(make: Year, policy: str, seconds: float) -> str:
    """The year's answer, as JSON."""
    return solve(make(), Policy.from_json(policy), seconds=seconds).to_json()


def shown(size: str, rows: list[Row], seconds: float, cores: int) -> str:
    """A table of contenders and one of tiers."""
    first = rows[0]
    contenders = printing.table(
        (f"year, {size}", "seconds", "first answer", "peak MB", "checker", "status"),
        [
            (
                row["contender"],
                printing.seconds(row.get("seconds")),
                printing.seconds(row.get("first_s")),
                f"{row['peak_mb']:.0f}" if "peak_mb" in row else None,
                row["wrong"][0].splitlines()[-1][:60] if row["wrong"] else "passes",
                row["status"],
            )
            for row in rows
        ],
    )
    tiers = []
    for mine in first["tiers"]:
        cells: list[object] = [
            mine["name"],
            mine["value"],
            mine["bound"],
            printing.percent(mine["gap"]),
            printing.seconds(mine["proved_s"]),
        ]
        for row in rows[1:]:
            found = next((tier for tier in row["tiers"] if tier["name"] == mine["name"]), None)
            if found is None:
                cells += [None, None, None]
            else:
                cells += [
                    found["value"],
                    found["bound"],
                    printing.ratio(found["value"], mine["value"]),
                ]
        tiers.append(cells)
    heads = ["tier", "ours", "bound", "gap", "proved s"]
    for row in rows[1:]:
        heads += [row["contender"], "bound", "x ours"]
    said = f"{first['requirements']:,} requirements; {seconds:g} s and {cores} cores each"
    return f"{contenders}\n{said}\n{printing.table(heads, tiers)}\n"


def main(arguments: list[str] | None = None) -> int:
    """Measures each size and prints its tables, or JSON lines. Ends with 1 where ours is refused by the
    checker or is, tier by tier, a worse answer than a peer's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=SIZES, nargs="+", default=["regional"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="for each contender; by size where not given")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--policy", type=Path, help="a policy as JSON; every rule and one cost if not given")
    parser.add_argument("--peers", choices=PEERS, nargs="*", default=list(PEERS))
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(arguments)
    policy = asked.policy.read_text() if asked.policy else Policy().to_json()
    wrong = 0
    for size in asked.size:
        seconds = asked.seconds or SECONDS[size]
        rows = list(measure(Year(size, asked.seed), policy, seconds, asked.cores, tuple(asked.peers)))
        rows[0].pop("answer")
        wrong |= int(worse(rows))
        if asked.json:
            for row in rows:
                said = {"bench": "year", "size": size, "given_s": seconds, "cores": asked.cores}
                print(json.dumps({**said, **row}), flush=True)
        else:
            print(shown(size, rows, seconds, asked.cores), flush=True)
    return wrong


def worse(rows: list[Row]) -> bool:
    """Whether ours breaks a rule, or is beaten in the order of the tiers by an answer that breaks none."""

    def values(row: Row) -> list[int]:
        return [tier["value"] for tier in row["tiers"]]

    mine = values(rows[0])
    return bool(rows[0]["wrong"]) or any(values(row) < mine[: len(row["tiers"])] for row in rows[1:])


if __name__ == "__main__":
    sys.exit(main())
