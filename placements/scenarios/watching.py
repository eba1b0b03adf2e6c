"""How a run under way stands, in words, and the curve of how its search went."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from placements.scenarios.models import Run

# Each stage of a solve: how far along it is, in percent, and what is being done.
STAGES = {
    "reading the snapshot": (4, "Reading the round's data"),
    "eligibility": (10, "Finding which sites each learner can go to"),
    "parts": (15, "Splitting the round into parts that do not depend on each other"),
    "match": (85, "Placing learners"),
    "explain": (92, "Finding the reason for everyone left over"),
    "check": (97, "Checking the answer independently"),
}
# The same of a repair, by how the stage's name begins.
REPAIR_STAGES = {
    "case": (10, "Finding who has lost their place"),
    "on_site_moved": (20, "Keeping those who have begun where they are"),
    "unplaced_": (40, "Placing those who have lost their place or joined late"),
    "moved": (65, "Moving as few others as possible"),
    "waiting_": (80, "Placing those who were waiting in what is free"),
}
PART = re.compile(r"part (\d+) of (\d+)")
# The curve's picture, in its own units.
WIDTH, HEIGHT = 600, 160
# The page tells this many of the curve's points in its table.
MOST_ROWS = 12


@dataclass(frozen=True)
class Curve:
    """The search as two lines, `points` of SVG polylines: placements not found in the best answer so far, and
    in any answer by what is proven. `most`, `least` and `seconds` are the ends of the scales; `rows` tell the
    same as [seconds, best, proven]."""

    best: str
    proven: str
    most: int
    least: int
    seconds: float
    rows: list[list[Any]]


def describe_progress(run: Run) -> dict[str, Any]:
    """How a run under way stands: words for its stage, percent done, best found and proven, the gap between
    them, seconds, and the curve."""
    progress = run.progress
    stage = str(progress.get("stage", ""))
    if run.kind == "repair":
        mending = (said for name, said in REPAIR_STAGES.items() if stage.startswith(name))
        percent, words = next(mending, STAGES.get(stage, (90, "Choosing the best")))
    else:
        percent, words = STAGES.get(stage) or _within(stage, str(progress.get("part", "")))
    if run.state == "queued":
        percent, words = 0, "Waiting to begin"
    elif run.cancel_requested:
        words = "Stopping at the next step, with the best answer so far"
    best, proven = progress.get("incumbent"), progress.get("bound")
    if best is None and proven is None and run.kind != "repair" and run.curve:
        # What follows the search, such as finding reasons, counts nothing: what was found still stands.
        best, proven = run.curve[-1][2:]
    # Each stage of a repair counts something else, so there is no one curve of it.
    curve = None if run.kind == "repair" else curve_of(run.curve or [])
    return {
        "state": run.state,
        "words": words,
        "percent": percent,
        "stage": stage,
        "incumbent": best,
        "bound": proven,
        "gap": None if best is None or proven is None else max(0, best - proven),
        "seconds": progress.get("seconds", 0),
        "curve": None
        if curve is None
        else {name: getattr(curve, name) for name in ("best", "proven", "most", "least", "seconds")},
    }


def curve_of(points: Sequence[Sequence[Any]]) -> Curve | None:
    """The picture of a run's reports, or None where there are too few to draw."""
    best = [(seconds, value) for seconds, _, value, _ in points if value is not None]
    proven = [(seconds, value) for seconds, _, _, value in points if value is not None]
    values = [value for _, value in best + proven]
    if len(points) < 2 or not best:
        return None
    end, most, least = float(points[-1][0]), max(values), min(values)
    every = -(-len(points) // MOST_ROWS)
    shown = [*points[:-1:every], points[-1]]

    def line(steps: list[tuple[float, int]]) -> str:
        found: list[str] = []
        for i, (seconds, value) in enumerate(steps):
            x = WIDTH * seconds / end if end else 0
            y = HEIGHT * (most - value) / (most - least) if most > least else HEIGHT / 2
            if i:
                # What was found stood until the next was.
                found.append(f"{x:.1f},{found[-1].partition(',')[2]}")
            found.append(f"{x:.1f},{y:.1f}")
        if found:
            found.append(f"{WIDTH},{found[-1].partition(',')[2]}")
        return " ".join(found)

    rows = [[seconds, value, bound] for seconds, _, value, bound in shown]
    return Curve(line(best), line(proven), most, least, end, rows)


def _within(stage: str, part: str) -> tuple[int, str]:
    """A stage within a part, or a part's end."""
    if now := PART.fullmatch(stage):
        done, parts = int(now[1]), int(now[2])
        return 15 + 70 * done // max(parts, 1), f"Placing learners (part {done} of {parts})"
    if not stage:
        return 4, ""
    before = PART.fullmatch(part)
    done, parts = (int(before[1]), int(before[2])) if before else (0, 1)
    return 15 + 70 * done // max(parts, 1), "Placing learners, the longest part of the search"
