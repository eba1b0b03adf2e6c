"""What if this learner went there: one place of one learner, with its exact effect on everyone else.

    uv run --group bench python -m benchmarks.whatif [--size demo regional] [--learners 5] [--json]

A year is matched first (`--year-seconds`) and its answer is what stands. Then, for learners drawn by the
seed, `alternatives` gives the next best places, each solved again; the time is that of one place,
the preparation of the year (once for all questions) beside it.

The peers are asked for the best of those places only: the whole match again with the learner there, from the
answer that stands as a hint, within `--seconds`. CP-SAT goes tier by tier, HiGHS has all tiers in one
weighted cost. Both may rearrange everybody, and where the year was not matched to the optimum they may find
an answer that is better for other reasons; `tiers` shows what each came to, as the checker counts it. Every
contender has a process of its own; `peak_mb` is the most memory it held.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from benchmarks import printing
from benchmarks.apart import Failed, apart, at_most, peak_mb
from benchmarks.year import Year, standing_answer
from matching import Policy, Result
from matching.next_best import alternatives
from matching.standing import Standing

SIZES = ("tiny", "demo", "regional", "midlands")
PEERS = ("cp-sat", "highs all")
Row = dict[str, Any]


def ours(make: Year, policy: str, answer: str, learners: int, most: int) -> Row:
    """The next best places of some learners, and how long each took."""
    problem, settings, result = make(), Policy.from_json(policy), Result.from_json(answer)
    begin = time.perf_counter()
    hand = Standing(problem, settings, result)
    asked = _drawn(result, learners, make.seed)
    alternatives(problem, settings, result, asked[0], most=1, standing=hand)
    ready = time.perf_counter() - begin
    questions = []
    for key in asked:
        begin = time.perf_counter()
        found = alternatives(problem, settings, result, key, most=most, standing=hand)
        taken = time.perf_counter() - begin
        if found:
            best = found[0]
            questions.append(
                {
                    "requirement": key,
                    "places": len(found),
                    "seconds_each": taken / len(found),
                    "offer": best.offer,
                    "block": best.block,
                    "moves": len(best.moves),
                    "proven": best.proven,
                    "tiers": {tier.name: tier.after for tier in best.tiers},
                }
            )
    return {"ready_s": ready, "peak_mb": peak_mb(), "questions": questions}


def _drawn(result: Result, learners: int, seed: int) -> list[str]:
    """Placed requirements, by the seed."""
    keys = sorted(result.assignment)
    rng = np.random.default_rng([seed, len(keys), 5])
    return [keys[i] for i in rng.choice(len(keys), min(learners, len(keys)), replace=False).tolist()]


def peer(name: str, make: Year, policy: str, answer: str, question: Row, seconds: float) -> Row:
    """The whole match with one requirement held at one place."""
    from benchmarks.answers import checked, standing_options, with_one_at
    from benchmarks.statement import state

    problem, result = make(), Result.from_json(answer)
    whole = state(problem, Policy.from_json(policy))
    statement = with_one_at(whole, question["requirement"], question["offer"], question["block"])
    start = standing_options(statement, result.assignment, result.blocks)
    with at_most(seconds):
        if name == "cp-sat":
            from benchmarks import cpsat

            found = cpsat.solve_by_tiers(statement, seconds, start=start)
        else:
            from benchmarks import highs_whole

            found = highs_whole.solve_weighted(statement, seconds, start=start)
    peak, counted = peak_mb(), checked(statement, found.chosen)
    proven = found.bounds == counted.values if name == "cp-sat" else found.status == "optimal"
    return {
        "contender": name,
        "seconds": found.seconds,
        "proven": proven,
        "peak_mb": peak,
        "wrong": counted.wrong[:3],
        "tiers": counted.values,
    }


def measure(size: str, seed: int, given: Row, answer: str | None = None) -> Row:
    """All questions of one size, with the peers' answers to the first of them; `answer` is the year's, where
    it is known already."""
    make, policy = Year(size, seed), Policy().to_json()
    if answer is None:
        limit = 3 * given["year_seconds"] + 300
        answer = apart(standing_answer, make, policy, given["year_seconds"], most_seconds=limit)
    row = {
        "bench": "whatif",
        "size": size,
        **apart(ours, make, policy, answer, given["learners"], given["places"]),
    }
    peers = []
    for question in row["questions"][: given["peer_questions"]]:
        for name in given["peers"]:
            arguments = (name, make, policy, answer, question, given["seconds"])
            try:
                found = apart(peer, *arguments, most_seconds=3 * given["seconds"] + 300)
            except Failed as why:
                found = {"contender": name, "wrong": [str(why)], "tiers": {}}
            if found["wrong"]:
                found["tiers"] = {}
            found["requirement"] = question["requirement"]
            if "seconds" in found:
                found["x_ours"] = round(found["seconds"] / question["seconds_each"], 1)
            peers.append(found)
    each = [question["seconds_each"] for question in row["questions"]]
    row["seconds"], row["seconds_most"] = statistics.median(each), max(each)
    row["peers"] = peers
    return row


def shown(row: Row, seconds: float) -> str:
    """A line a question, and one for each answer of a peer."""
    lines: list[list[object]] = []
    for question in row["questions"]:
        key = question["requirement"]
        lines.append([key, "ours", printing.seconds(question["seconds_each"]), None])
        lines[-1] += [question["proven"], f"{row['peak_mb']:.0f}", *question["tiers"].values()]
        for found in row["peers"]:
            if found["requirement"] == key:
                blank = [None] * len(question["tiers"])
                lines.append([key, found["contender"], printing.seconds(found.get("seconds"))])
                lines[-1] += [found.get("x_ours"), printing.state(found)]
                lines[-1] += [f"{found['peak_mb']:.0f}" if "peak_mb" in found else None]
                lines[-1] += list(found["tiers"].values()) or blank
    names = list(row["questions"][0]["tiers"])
    heads = (f"what if, {row['size']}", "by", "seconds", "x ours", "proven", "peak MB", *names)
    said = f"one place: median {1000 * row['seconds']:.0f} ms, most {1000 * row['seconds_most']:.0f} ms"
    said += f"; ready after {row['ready_s']:.1f} s; peers have {seconds:g} s"
    return f"{printing.table(heads, lines)}\n{said}\n"


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=SIZES, nargs="+", default=["regional"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learners", type=int, default=5)
    parser.add_argument("--places", type=int, default=3, help="the next best of each learner")
    parser.add_argument("--year-seconds", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each peer")
    parser.add_argument("--peers", choices=PEERS, nargs="*", default=list(PEERS))
    parser.add_argument(
        "--peer-questions", type=int, default=1, help="of how many learners the peers are asked"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measures each size and prints its table, or a JSON line."""
    asked = parsed(arguments)
    for size in asked.size:
        row = measure(size, asked.seed, vars(asked))
        print(json.dumps(row) if asked.json else shown(row, asked.seconds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
