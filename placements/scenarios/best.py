"""Which of some runs is the best: by the aims in their order, and what each does better than the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from placements.scenarios.models import Run
from placements.scenarios.policy_words import tier_titles
from placements.scenarios.results import is_soft, tier_words


@dataclass(frozen=True)
class Best:
    """The run that is best by the aims in their order, or None; `words` say by which aim it comes first, or
    why none does."""

    run: Run | None
    words: str


def best_of(runs: Sequence[Run]) -> Best:
    """Of two runs or more the one that no other reaches: aim by aim, those that are behind fall out until one
    is left. Where the aims are no longer the same, or are weighed differently, nothing more is said."""
    if len({run.snapshot_id for run in runs}) > 1:
        return Best(None, "These runs were matched over different data, so none is the best of all.")
    left = list(runs)
    for tiers in zip(*(run.summary["tiers"] for run in runs), strict=False):
        of_run: dict[int, dict[str, Any]] = dict(zip([run.id for run in runs], tiers, strict=True))
        names = {of_run[run.id]["name"] for run in left}
        if len(names) > 1 or (is_soft(*names) and len({run.policy for run in left}) > 1):
            break
        least = min(of_run[run.id]["value"] for run in left)
        left = [run for run in left if of_run[run.id]["value"] == least]
        if len(left) == 1:
            aim = tier_words(of_run[left[0].id]["name"], tier_titles(left[0].policy))
            return Best(left[0], f"Best, by the aims in their order: it comes first by “{aim}”")
    if len(left) == len(runs):
        return Best(None, "None is the best of all: by the aims that they share they are equal.")
    return Best(None, f"Runs {_and(left)} are equal by the aims that they share, and better than the others.")


def _and(runs: Sequence[Run]) -> str:
    *first, last = [str(run.id) for run in runs]
    return f"{', '.join(first)} and {last}"
