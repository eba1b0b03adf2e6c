"""Moves by hand: how soon a lead is told what one would do.

    uv run --group bench python -m benchmarks.by_hand [--size demo regional] [--moves 100] [--json]

A year is matched first (`--year-seconds`). Then learners drawn by the seed are each moved to a department
drawn from those that no rule refuses them: told at once where nobody else need move, else with those who make
room (`alternatives` at that department). Swaps of two learners drawn likewise are told as they are. Times are
of the whole answer, by the clock and of the processor (on a busy machine the clock also counts waiting);
beside them what the answer after a move takes (`with_moves` and its check).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from benchmarks import printing
from benchmarks.apart import apart, peak_mb
from benchmarks.year import Year, standing_answer
from matching import Lock, Policy, Result, Standing, Wish, alternatives, effect, verify, with_moves

SIZES = ("tiny", "demo", "regional", "midlands")
Row = dict[str, Any]


class _Times:
    """Milliseconds of each of some questions, by the clock and of the processor."""

    def __init__(self) -> None:
        self.clock, self.processor = list[float](), list[float]()

    def __enter__(self) -> None:
        self._begin = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.clock.append(1000 * (time.perf_counter() - self._begin[0]))
        self.processor.append(1000 * (time.process_time() - self._begin[1]))

    def row(self) -> Row:
        if not self.clock:
            return {"questions": 0}
        ninth = int(0.9 * (len(self.clock) - 1))
        return {
            "questions": len(self.clock),
            "ms": round(statistics.median(self.clock), 1),
            "ms_9_of_10": round(sorted(self.clock)[ninth], 1),
            "ms_processor": round(statistics.median(self.processor), 1),
        }


def ours(make: Year, policy: str, answer: str, moves: int) -> Row:
    """The moves and swaps of one year."""
    problem, settings, result = make(), Policy.from_json(policy), Result.from_json(answer)
    begin = time.perf_counter()
    hand = Standing(problem, settings, result)
    key = min(result.assignment)
    alternatives(problem, settings, result, key, most=1, standing=hand)
    ready = time.perf_counter() - begin
    rng = np.random.default_rng([make.seed, moves, 7])
    open_to = np.flatnonzero(np.diff(hand.start) > 1)
    every, alone, room, swaps = _Times(), _Times(), _Times(), _Times()
    found = None
    for r in rng.choice(open_to, min(moves, len(open_to)), replace=False).tolist():
        choices = np.arange(hand.start[r], hand.start[r + 1])
        k = int(rng.choice(choices[choices != hand.held[r]]))
        key = problem.requirements[r].key
        department = problem.departments[int(hand.choices.department[k])].key
        kind = alone
        with every:
            told = effect(hand, [Wish(key, department)])
            if told.broken:
                kind = room
                alternatives(problem, settings, result, key, most=1, at=department, standing=hand)
        kind.clock.append(every.clock[-1])
        kind.processor.append(every.processor[-1])
        if not told.broken:
            found = key, department, told
    placed = np.flatnonzero(hand.held >= 0)
    for one, two in rng.choice(placed, (moves, 2)).tolist():
        there, here = (
            problem.departments[int(hand.choices.department[hand.held[r]])].key for r in (two, one)
        )
        wishes = [Wish(problem.requirements[one].key, there), Wish(problem.requirements[two].key, here)]
        with swaps:
            effect(hand, wishes)
    row: Row = {"ready_s": round(ready, 2), "moves": every.row(), "alone": alone.row(), "room": room.row()}
    row["swaps"] = swaps.row()
    if found is not None:
        key, department, told = found
        locked = dataclasses.replace(problem, locks=(*problem.locks, Lock(key, department, "pin")))
        after = _Times()
        with after:
            moved = with_moves(locked, settings, result, told.moves)
            wrong = verify(locked, settings, moved)
        row["after"] = {**after.row(), "wrong": [str(x) for x in wrong[:3]]}
    return {**row, "peak_mb": peak_mb()}


def main(arguments: list[str] | None = None) -> int:
    """Measures each size and prints its table, or a JSON line."""
    parser = argparse.ArgumentParser(prog="benchmarks.by_hand", description="Moves by hand.")
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["regional"])
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--year-seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    for size in asked.size:
        make, policy = Year(size, asked.seed), Policy().to_json()
        limit = 3 * asked.year_seconds + 300
        answer = apart(standing_answer, make, policy, asked.year_seconds, most_seconds=limit)
        row = apart(ours, make, policy, answer, asked.moves, most_seconds=900)
        if asked.json:
            print(json.dumps({"bench": "by_hand", "size": size, **row}), flush=True)
            continue
        lines = [
            [
                what,
                row[name]["questions"],
                row[name].get("ms"),
                row[name].get("ms_9_of_10"),
                row[name].get("ms_processor"),
            ]
            for what, name in (
                ("all moves", "moves"),
                ("nobody else need move", "alone"),
                ("others make room", "room"),
                ("swaps", "swaps"),
                ("the answer after, checked", "after"),
            )
            if name in row
        ]
        heads = (f"by hand, {size}", "number", "median ms", "9 of 10 ms", "processor ms")
        print(printing.table(heads, lines))
        print(f"ready in {row['ready_s']} s, {row['peak_mb']:.0f} MB\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
