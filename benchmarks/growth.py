"""Wall time against size, ours beside the peers, and the slope of the line through them on log-log paper.

    uv run --group bench python -m benchmarks.growth [--what flow year] [--learners 125 ... 4000] [--json]

Sites, trusts, universities and the country grow with the learners (one site to 33 of them), so that a slope
of 1 is time in proportion to size.

    flow  one block (flow.py), to the verified optimum: ours, OR-Tools SimpleMinCostFlow, and NetworkX
          network_simplex up to 1,000 learners; the median of the repeats
    year  a whole year with every rule on (year.py), to the proof of all tiers: ours and CP-SAT

Who has not ended in `--seconds` is unfinished: the point counts for no slope, and a peer is not asked for
larger sizes. For the year there are slopes of the first answer and of the proof of all tiers of
placing too.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import flow, printing, year
from benchmarks.apart import Failed, apart, peak_mb
from matching import Policy, Problem
from matching.generate import Size
from matching.generate_year import generate_year

LEARNERS = (125, 250, 500, 1000, 2000, 4000)
MOST_NETWORKX = 1_000
MEASURES = (("proven optimum", "seconds"), ("placing proven", "placing_s"), ("first answer", "first_s"))
Row = dict[str, Any]


def size_of(learners: int) -> Size:
    """A region of so many learners, as dense as "regional"."""
    return Size(
        learners,
        sites=max(6, round(0.03 * learners)),
        trusts=max(3, round(0.0075 * learners)),
        heis=max(2, round(0.004 * learners)),
        side_km=203.0 * math.sqrt(learners / 2000),
    )


class Year:
    """Makes the year in the process that needs it."""

    def __init__(self, learners: int, seed: int) -> None:
        self.learners, self.seed = learners, seed

    def __call__(self) -> Problem:
        return generate_year(size_of(self.learners), self.seed)


def one_flow(contender: str, learners: int, seed: int, repeat: int) -> Row:
    """Median seconds of a contender on one block."""
    net = flow.block(size_of(learners), seed)
    plain = flow.Plain(net)
    times, objective = [], 0
    for _ in range(repeat):
        if contender == "ours":
            taken, found = flow.ours(net)
            objective = plain.total(net, found)
        else:
            taken, objective = flow.ortools(plain) if contender == "ortools" else flow.networkx(plain)
        times.append(taken)
    return {
        "requirements": net.rows,
        "seconds": statistics.median(times),
        "ended": True,
        "peak_mb": peak_mb(),
        "objective": objective,
    }


def grow_flow(learners: tuple[int, ...], seed: int, repeat: int) -> Iterator[Row]:
    """A row a contender and size."""
    for n in learners:
        for contender in ("ours", "ortools", "networkx"):
            if contender != "networkx" or n <= MOST_NETWORKX:
                times = 1 if contender == "networkx" else repeat
                row = apart(one_flow, contender, n, seed, times, most_seconds=300.0)
                yield {"what": "flow", "learners": n, "contender": contender, **row}


def grow_year(learners: tuple[int, ...], seed: int, seconds: float) -> Iterator[Row]:
    """A row a contender and size; a peer that did not end is not asked again."""
    policy, asked, most = Policy().to_json(), {"ours", "cp-sat"}, 3 * seconds + 300
    for n in learners:
        for contender in sorted(asked, reverse=True):
            make = Year(n, seed)
            try:
                if contender == "ours":
                    row = apart(year.ours, make, policy, seconds, 2, most_seconds=most)
                else:
                    row = apart(year.peer, contender, make, policy, seconds, 2, most_seconds=most)
            except Failed as why:
                row = {"seconds": seconds, "tiers": [], "first_s": None, "wrong": [str(why)], "peak_mb": 0.0}
            fine = bool(row["tiers"]) and not row["wrong"]
            ended = fine and all(tier["bound"] == tier["value"] for tier in row["tiers"])
            if not ended and contender != "ours":
                asked.discard(contender)
            yield {
                "what": "year",
                "learners": n,
                "contender": contender,
                "requirements": row.get("requirements"),
                "seconds": row["seconds"],
                "first_s": row["first_s"] if fine else None,
                "placing_s": _placing(row["tiers"]) if fine else None,
                "ended": ended,
                "peak_mb": row["peak_mb"],
                "values": {tier["name"]: tier["value"] for tier in row["tiers"]},
                "gaps": {tier["name"]: tier["gap"] for tier in row["tiers"]},
            }


def _placing(tiers: list[Row]) -> float | None:
    """When the last tier of placing was proven; None where one is not."""
    found = [tier["proved_s"] for tier in tiers if tier["name"].startswith("unplaced")]
    return None if None in found else max(found)


def slope(points: list[tuple[float, float]]) -> float | None:
    """Of the line of least squares through (size, seconds) on log-log paper; None under three points."""
    if len(points) < 3:
        return None
    across, up = np.log(np.array(points, np.float64)).T
    return float(np.polyfit(across, up, 1)[0])


def slopes(rows: list[Row]) -> list[Row]:
    """A slope for each contender, and one for the first answers of a year."""
    out = []
    kinds = dict.fromkeys((row["what"], row["contender"]) for row in rows)
    for what, contender in kinds:
        mine = [row for row in rows if (row["what"], row["contender"]) == (what, contender)]
        for words, name in MEASURES if what == "year" else MEASURES[:1]:
            those = [row for row in mine if row[name] and (row["ended"] or name != "seconds")]
            out.append(
                {
                    "what": what,
                    "contender": contender,
                    "until": words,
                    "points": len(those),
                    "to_learners": max((row["learners"] for row in those), default=None),
                    "slope": slope([(row["learners"], row[name]) for row in those]),
                }
            )
    return out


def shown(rows: list[Row], fitted: list[Row]) -> str:
    """A table of times, one contender a column, and one of slopes."""
    out = []
    for what in dict.fromkeys(row["what"] for row in rows):
        mine = [row for row in rows if row["what"] == what]
        names = list(dict.fromkeys(row["contender"] for row in mine))
        lines = []
        for n in dict.fromkeys(row["learners"] for row in mine):
            at = {row["contender"]: row for row in mine if row["learners"] == n}
            cells: list[object] = [n]
            for name in names:
                cells += _cells(at.get(name), at.get("ours"), what == "year", name == "ours")
            lines.append(cells)
        heads = [f"growth, {what}: learners"]
        for name in names:
            heads += [f"{name} s", *(["first s", "placing s"] if what == "year" else []), "MB"]
            heads += [] if name == "ours" else ["x ours"]
        out.append(printing.table(heads, lines))
    lines = [
        [f"{row['what']}, {row['contender']}", row["until"], row["points"], row["to_learners"], told(row)]
        for row in fitted
    ]
    out.append(printing.table(("log-log", "until", "points", "up to", "slope"), lines))
    return "\n\n".join(out) + "\n"


def _cells(row: Row | None, ours: Row | None, first: bool, mine: bool) -> list[object]:
    if row is None:
        return [None] * (2 + 2 * first + (not mine))
    said = printing.seconds(row["seconds"]) if row["ended"] else f"over {row['seconds']:.0f}"
    cells: list[object] = [said]
    if first:
        cells += [printing.seconds(row["first_s"]), printing.seconds(row["placing_s"])]
    cells.append(f"{row['peak_mb']:.0f}")
    if not mine:
        both = row["ended"] and ours is not None and ours["ended"]
        cells.append(printing.ratio(row["seconds"], ours["seconds"]) if both and ours else None)
    return cells


def told(row: Row) -> str:
    """A slope in words."""
    return "too few points" if row["slope"] is None else f"{row['slope']:.2f}"


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints tables, or JSON lines. Ends with 1 where two optima of a flow differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--what", choices=("flow", "year"), nargs="+", default=["flow", "year"])
    parser.add_argument("--learners", type=int, nargs="+", default=list(LEARNERS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5, help="of each flow")
    parser.add_argument("--seconds", type=float, default=20.0, help="the most for each year")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(arguments)
    learners = tuple(asked.learners)
    rows: list[Row] = []
    if "flow" in asked.what:
        rows += grow_flow(learners, asked.seed, asked.repeat)
    if "year" in asked.what:
        rows += grow_year(learners, asked.seed, asked.seconds)
    for row in rows:
        for name in ("seconds", "first_s", "placing_s", "peak_mb"):
            if row.get(name) is not None:
                row[name] = round(row[name], 5)
    fitted = slopes(rows)
    if asked.json:
        for row in [*rows, *fitted]:
            print(json.dumps({"bench": "growth", **row}), flush=True)
    else:
        print(shown(rows, fitted), flush=True)
    return int(differing(rows))


def differing(rows: list[Row]) -> bool:
    """Whether two contenders' optima of a flow differ."""
    found: dict[int, set[int]] = {}
    for row in rows:
        if row["what"] == "flow":
            found.setdefault(row["learners"], set()).add(row["objective"])
    return any(len(values) > 1 for values in found.values())


if __name__ == "__main__":
    sys.exit(main())
