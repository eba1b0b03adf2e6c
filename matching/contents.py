"""What is in a problem, as a page of plain text for a terminal, at most 100 columns wide."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from matching.problem import UNREACHABLE, Problem
from matching.summary import department_places, table, wrapped


def contents(problem: Problem) -> str:
    """Who is to be placed, what they need, what is offered when. O(learners x sites + departments x
    weeks)."""
    parts = [_sizes(problem), _learners(problem), _requirements(problem), _places(problem), _besides(problem)]
    return "\n\n".join(part for part in parts if part)


def counted(count: int, noun: str, rest: str = "") -> str:
    """So many of something, such as "1 site with beds"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}{rest}"


def _sizes(problem: Problem) -> str:
    weeks = problem.weeks
    span = f": {weeks[0]} to {weeks[-1]}" if weeks else ""
    kinds = ("trust", "site", "department", "offer", "learner", "requirement")
    all_of_them = ", ".join(counted(len(getattr(problem, f"{kind}s")), kind) for kind in kinds)
    return f"weeks     {len(weeks)}{span}\n{wrapped('contents', all_of_them)}"


def _learners(problem: Problem) -> str:
    needs = Counter(r.learner for r in problem.requirements)
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for learner in problem.learners:
        row = counts[learner.group, learner.stage]
        row[0] += 1
        row[1] += needs[learner.key]
    rows = [[*key, f"{n:,}", f"{r:,}"] for key, (n, r) in sorted(counts.items())]
    if not rows:
        return ""
    return "\n".join([table(["group", "stage", "learners", "requirements"], rows, texts=2), _reach(problem)])


def _reach(problem: Problem) -> str:
    heis = counted(len({x.hei for x in problem.learners}), "HEI")
    by_car = sum(x.mode == "car" for x in problem.learners)
    modes = f"{by_car:,} by car, {len(problem.learners) - by_car:,} by public transport"
    reached = problem.travel_minutes[problem.travel_minutes != UNREACHABLE]
    middle = (
        f"; {counted(len(reached), 'journey')}, median {int(np.median(reached))} min" if len(reached) else ""
    )
    return wrapped("of", f"{heis}; {modes}{middle}")


def _requirements(problem: Problem) -> str:
    counts: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0])
    for r in problem.requirements:
        block = r.block if r.rotation is None else "(floating)"
        row = counts[block, " or ".join(r.modalities)]
        row[0] += 1
        row[1] += r.weight
    rows = [[*key, f"{n:,.0f}", f"{weight:,.2f}"] for key, (n, weight) in sorted(counts.items())]
    return table(["block", "modality", "requirements", "WTE needed"], rows, texts=2) if rows else ""


def _places(problem: Problem) -> str:
    """Places and WTE by modality, a row for each run of weeks in which they stay the same."""
    rows = []
    for modality in sorted({d.modality for d in problem.departments}):
        for first, last, (preferred, most, wte) in _runs(problem, modality):
            weeks = f"{problem.weeks[first]} to {problem.weeks[last]} ({last - first + 1})"
            rows.append([modality, weeks, f"{preferred:,.0f}", f"{most:,.0f}", f"{wte:,.2f}"])
    if not rows:
        return ""
    silent = sum(d.wte is None for d in problem.departments)
    note = f"\n{counted(silent, 'department')} without WTE of its own" if silent else ""
    head = ["places", "weeks", "preferred", "maximum", "WTE"]
    return table(head, rows, texts=2) + note


def _runs(problem: Problem, modality: str) -> Iterator[tuple[int, int, tuple[float, float, float]]]:
    of = np.array([d.modality == modality for d in problem.departments])
    most = department_places(problem)
    wte = np.zeros(most.shape)
    preferred = np.zeros_like(most)
    for d, department in enumerate(problem.departments):
        if department.wte is not None:
            wte[d] = department.wte
    for offer in problem.offers:
        preferred[problem.department_index[offer.department]] += np.asarray(offer.preferred, np.int64)
    preferred = np.minimum(preferred, most)
    sums = np.stack([preferred[of].sum(axis=0), most[of].sum(axis=0), wte[of].sum(axis=0).round(2)], axis=1)
    starts = [w for w in range(len(sums)) if w == 0 or (sums[w] != sums[w - 1]).any()]
    for first, after in zip(starts, [*starts[1:], len(sums)], strict=False):
        yield first, after - 1, (float(sums[first, 0]), float(sums[first, 1]), float(sums[first, 2]))


def _besides(problem: Problem) -> str:
    """What only some problems have."""
    kinds = Counter(lock.kind for lock in problem.locks)
    companions = Counter(c.kind for c in problem.companions)
    served = counted(len({d for e in problem.educators for d in e.departments}), "department")
    most = sum(max(e.wte, default=0.0) for e in problem.educators)
    found = [
        counted(count, noun, rest)
        for count, noun, rest in (
            (len(problem.educators), "educator", f" with up to {most:,.2f} WTE for {served}"),
            (sum(bool(e.supervises) for e in problem.educators), "educator", " for some learners only"),
            (sum(e.most is not None for e in problem.educators), "educator", " with a most at once"),
            (sum(s.accommodation is not None for s in problem.sites), "site", " with beds"),
            (sum(t.places is not None for t in problem.trusts), "trust", " with a cap"),
            (sum(s.places is not None for s in problem.sites), "site", " with a cap"),
            (len(problem.rotations), "rotation", ""),
            (companions["together"], "set", " of learners together"),
            (companions["apart"], "set", " of learners apart"),
            (len(problem.agreements), "agreement", ""),
            (kinds["pin"], "pin", ""),
            (kinds["ban"], "ban", ""),
            (len(problem.published), "published placing", ""),
        )
        if count
    ]
    return wrapped("besides", "; ".join(found)) if found else ""
