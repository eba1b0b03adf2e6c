"""The regional set in one run, ending with one table; or one benchmark by its name, with its own options.

make bench                                     # all of it, under ten minutes on two cores
make bench ARGS="--json"                       # one JSON object a line
make bench ARGS="--size demo --seconds 10"     # all of it, smaller
make bench ARGS="year --size midlands"         # one, as `python -m benchmarks.year --size midlands`
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import (
    by_hand,
    capacity,
    cohorts,
    desk,
    feasibility,
    flow,
    growth,
    printing,
    repair,
    whatif,
    year,
)
from benchmarks.apart import Failed
from matching import Policy

ONE_BY_ONE = {
    "by_hand": by_hand,
    "capacity": capacity,
    "feasibility": feasibility,
    "cohorts": cohorts,
    "desk": desk,
    "flow": flow,
    "year": year,
    "repair": repair,
    "whatif": whatif,
    "growth": growth,
}
HEADS = ("benchmark", "what", "ours", "peer", "its own", "x ours", "ours MB", "peer MB")
Row = dict[str, Any]
Line = list[object]


class Set:
    """The set, one benchmark after another: what each says, and its lines of the table at the end."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked, self.lines, self.wrong = asked, list[Line](), 0
        self.answer = ""

    def run(self, name: str, bench: Callable[[], None]) -> None:
        """One of them; where ours fails it is said, and the others go on."""
        try:
            bench()
        except Failed as why:
            self.wrong = 1
            self.line(name, str(why).splitlines()[-1][:60], ("failed", "", "", ""), ({}, {}))
            print(f"{name}: {why}", file=sys.stderr, flush=True)

    def say(self, words: str, rows: list[Row]) -> None:
        """A benchmark's own tables, or its rows."""
        if self.asked.json:
            for row in rows:
                print(json.dumps(row), flush=True)
        else:
            print(words, flush=True)

    def line(
        self, bench: str, what: str, figures: tuple[str, str, str, str], memory: tuple[Row, Row]
    ) -> None:
        """ours, who the peer is, its figure, the ratio; whose memory."""
        sizes = [f"{row['peak_mb']:.0f}" if row.get("peak_mb") else None for row in memory]
        self.lines.append([bench, what, *figures, *sizes])

    def flow(self) -> None:
        """One block as a flow."""
        size = self.asked.size if self.asked.size in flow.SIZES else "regional"
        rows = flow.measured(size, self.asked.seed, 5)
        self.wrong |= any(row["objective"] != row["peer_objective"] for row in rows)
        tables = []
        for row in rows:
            name = row["peer"].split()[0]
            figures = (_s(row["ours_s"]), name, _s(row["peer_s"]), f"{1 / row['ratio']:.2f}")
            self.line("flow", "proven optimum, s", figures, (row, {"peak_mb": row["peer_peak_mb"]}))
            tables.append([name, _s(row["ours_s"]), _s(row["peer_s"]), figures[-1], f"{row['gap']:g}"])
        self.say(printing.table((f"flow, {size}", "ours s", "its s", "x ours", "gap"), tables) + "\n", rows)

    def year(self) -> None:
        """A whole year; its answer is what the repairs and the questions begin with."""
        asked, policy = self.asked, Policy().to_json()
        rows = list(year.measure(year.Year(asked.size, asked.seed), policy, asked.seconds, 2))
        self.answer = rows[0].pop("answer")
        self.wrong |= year.worse(rows)
        for row in rows:
            row.update(bench="year", size=asked.size, given_s=asked.seconds)
        self.say(year.shown(asked.size, rows, asked.seconds, 2), rows)
        first = rows[0]
        self.line("year", "first answer, s", (_s(first["first_s"]), "", "", ""), (first, {}))
        for mine in first["tiers"]:
            proven = printing.percent(mine["gap"])
            self.line("year", f"{mine['name']}, gap", (proven or "0", "", "", ""), (first, {}))
            for row in rows[1:]:
                its = next((t["value"] for t in row["tiers"] if t["name"] == mine["name"]), None)
                if its is None and row["tiers"]:
                    continue  # it was not asked
                value = "none in its time" if its is None else f"{its:,}"
                ratio = printing.ratio(its, mine["value"])
                figures = (f"{mine['value']:,}", row["contender"], value, ratio)
                self.line("year", mine["name"], figures, (first, row))

    def repair(self) -> None:
        """One event of each kind."""
        asked = self.asked
        options = ["--seconds", str(asked.peer_seconds), "--ours-seconds", "10"]
        given = vars(repair.parsed(options))
        rows = repair.measure(asked.size, asked.seed, given, self.answer)
        self.wrong |= repair.worse(rows)
        self.say(repair.shown(asked.size, rows, asked.peer_seconds), rows)
        for row in rows:
            if row["contender"] == "ours":
                mine = row
                words = "" if row["proven"] else " (not proven)"
                self.line("repair", row["kind"], (_s(row["seconds"]) + words, "", "", ""), (row, {}))
            else:
                figures = (_s(mine["moved_s"]), row["contender"], _its(row), _times(row))
                self.line("repair", f"{row['kind']}, fewest moves, s", figures, (mine, row))

    def whatif(self) -> None:
        """One place of one learner."""
        asked = self.asked
        given = vars(whatif.parsed(["--seconds", str(asked.peer_seconds)]))
        row = whatif.measure(asked.size, asked.seed, given, self.answer)
        self.say(whatif.shown(row, asked.peer_seconds), [row])
        self.line("what if", "one place, median s", (_s(row["seconds"]), "", "", ""), (row, {}))
        for found in row["peers"]:
            mine = next(q for q in row["questions"] if q["requirement"] == found["requirement"])
            figures = (_s(mine["seconds_each"]), found["contender"], _its(found), _times(found))
            self.line("what if", "one place, s", figures, (row, found))

    def growth(self) -> None:
        """Slopes."""
        learners, seed = tuple(self.asked.learners), self.asked.seed
        rows = list(growth.grow_flow(learners, seed, 5))
        rows += growth.grow_year(learners[:-1], seed, self.asked.growth_seconds)
        fitted = growth.slopes(rows)
        self.wrong |= growth.differing(rows)
        self.say(growth.shown(rows, fitted), [{"bench": "growth", **row} for row in [*rows, *fitted]])
        for mine in fitted:
            if mine["contender"] == "ours":
                others = [r for r in fitted if r["contender"] != "ours" and _same(r, mine)]
                what = f"slope, {mine['what']}, {mine['until']}"
                for its in others:
                    figures = (growth.told(mine), its["contender"], growth.told(its), "")
                    self.line("growth", what, figures, ({}, {}))


def _same(one: Row, two: Row) -> bool:
    return (one["what"], one["until"]) == (two["what"], two["until"])


def _s(value: float | None) -> str:
    return printing.seconds(value)


def _its(row: Row) -> str:
    """A peer's seconds, and what became of it."""
    if row["wrong"]:
        return "none in its time"
    return _s(row["seconds"]) + ("" if row["proven"] else " (not proven)")


def _times(row: Row) -> str:
    return f"{row['x_ours']:g}" if "x_ours" in row else ""


def main(arguments: list[str]) -> int:
    """Runs the set, or the one benchmark named first. Ends with 1 where an answer of ours is refused or
    beaten."""
    if arguments and arguments[0] in ONE_BY_ONE:
        return ONE_BY_ONE[arguments[0]].main(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description="The whole set; or name one and give its own options: " + ", ".join(ONE_BY_ONE),
    )
    parser.add_argument("--size", choices=repair.SIZES[:-1], default="regional")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="for a year, each contender")
    parser.add_argument(
        "--peer-seconds", type=float, default=10.0, help="for a repair or a what-if, each peer"
    )
    parser.add_argument("--learners", type=int, nargs="+", default=list(growth.LEARNERS))
    parser.add_argument("--growth-seconds", type=float, default=8.0, help="for each year of the growth")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(arguments)
    begin, every = time.perf_counter(), Set(asked)
    every.run("flow", every.flow)
    every.run("year", every.year)
    if every.answer:
        every.run("repair", every.repair)
        every.run("whatif", every.whatif)
    every.run("growth", every.growth)
    if not asked.json:
        print(printing.table(HEADS, every.lines))
        print(f"{asked.size}, seed {asked.seed}, 2 cores; {time.perf_counter() - begin:.0f} s in all")
    return int(every.wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
