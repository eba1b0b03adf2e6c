"""A result as a page of plain text for a terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from matching.policy import Policy
from matching.problem import Learner, Problem, Requirement
from matching.result import Result

WIDTH = 100
MOST_ROWS = 8


def summary(problem: Problem, policy: Policy, result: Result) -> str:
    """What a result reaches, what is proven of it, how far learners travel, who is busiest and why some are
    left over. O(placed x weeks + departments x weeks)."""
    placed, all_of_them = len(result.assignment), len(problem.requirements)
    parts = [
        f"status    {result.status} in {result.seconds:,.2f} s\n"
        f"placed    {placed:,} of {all_of_them:,}{_percent(placed, all_of_them)}",
        _placed(problem, result),
        _tiers(policy, result),
        _journeys(problem, policy, result),
        _departments(problem, result),
        _educators(problem, result),
        _floating(problem, result),
        _unplaced(result),
        _conflicts(result),
    ]
    return "\n\n".join(part for part in parts if part)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, texts: int = 1) -> str:
    """Columns side by side: the first `texts` of them to the left, numbers to the right; long texts cut so
    that the whole fits `WIDTH`."""
    cells = [[plain(str(cell)) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        widths[max(range(texts), key=widths.__getitem__)] -= 1
    lines = []
    for row in cells:
        text = [cut(cell, widths[i]).ljust(widths[i]) for i, cell in enumerate(row[:texts])]
        lines.append("  ".join([*text, *(row[i].rjust(widths[i]) for i in range(texts, len(row)))]).rstrip())
    return "\n".join(lines)


def wrapped(head: str, text: str) -> str:
    """A text under its head, over as many lines as it needs."""
    return textwrap.fill(f"{head:<10}{text}", WIDTH, subsequent_indent=" " * 10)


def plain(text: str) -> str:
    """The text on one line, with nothing in it that would move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def cut(text: str, width: int) -> str:
    """The text, its end replaced by dots where it is too long."""
    return text if len(text) <= width else text[: max(0, width - 2)] + ".."[:width]


def _percent(part: float, whole: float) -> str:
    return f" ({part / whole:.1%})" if whole else ""


def _placed(problem: Problem, result: Result) -> str:
    learners = {x.key: x for x in problem.learners}
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for r in problem.requirements:
        for row in (("group", learners[r.learner].group), ("priority", str(r.priority))):
            counts[row][0] += r.key in result.assignment
            counts[row][1] += 1
    rows = [
        [f"{kind} {name}", f"{n:,}", f"{of:,}", f"{n / of:.1%}"]
        for (kind, name), (n, of) in sorted(counts.items())
    ]
    return table(["placed by", "placed", "of", "share"], rows) if rows else ""


def _tiers(policy: Policy, result: Result) -> str:
    rows = []
    for tier in result.tiers:
        scale, unit = (1000, "points") if tier.name in policy.tier_names else (1, "")
        value, bound = f"{tier.value / scale:,.6g}", f"{tier.bound / scale:,.6g}"
        rows.append([tier.name, value, bound, unit, f"{tier.gap:.3%}"])
    return table(["tier", "value", "bound", "", "gap"], rows) if rows else ""


def _journeys(problem: Problem, policy: Policy, result: Result) -> str:
    """Minutes one way of those who travel daily; those in a bed are only counted."""
    site_of = {
        o.key: problem.departments[problem.department_index[o.department]].site for o in problem.offers
    }
    minutes, beds = [], 0
    for r in problem.requirements:
        if r.key in result.assignment:
            i = problem.learner_index[r.learner]
            there = int(problem.travel_minutes[i, problem.site_index[site_of[result.assignment[r.key]]]])
            if there > _limit(policy, problem.learners[i]):
                beds += 1
            else:
                minutes.append(there)
    if not minutes and not beds:
        return ""
    lines = []
    if minutes:
        middle, far = (int(np.percentile(minutes, q, method="inverted_cdf")) for q in (50, 95))
        lines.append(
            f"journeys  median {middle} min one way, 95th percentile {far} min, longest {max(minutes)} min"
        )
    if beds:
        lines.append(f"beds      {beds:,} placed beyond the travel limit, with a bed")
    return "\n".join(lines)


def _limit(policy: Policy, learner: Learner) -> int:
    limit = policy.travel_limit[learner.mode]
    own = learner.travel_limit_minutes
    return limit if own is None else min(limit, own)


def weeks_of(problem: Problem, result: Result, requirement: Requirement) -> tuple[int, ...]:
    """The weeks that a placed requirement takes: those of its block where it floats."""
    if requirement.rotation is None:
        return requirement.weeks
    rotation = problem.rotations[problem.rotation_index[requirement.rotation]]
    return rotation.weeks[rotation.blocks.index(result.blocks[requirement.key])]


def _departments(problem: Problem, result: Result) -> str:
    """The busiest departments, each in its busiest week: by supervisor load, then by places used."""
    n, count = len(problem.weeks), len(problem.departments)
    used, weight, shared = np.zeros((count, n)), np.zeros((count, n)), np.zeros((count, n))
    served = {problem.department_index[d] for e in problem.educators for d in e.departments}
    of_offer = {o.key: problem.department_index[o.department] for o in problem.offers}
    for r in problem.requirements:
        if r.key in result.assignment:
            weeks = list(weeks_of(problem, result, r))
            used[of_offer[result.assignment[r.key]], weeks] += 1
            weight[of_offer[result.assignment[r.key]], weeks] += r.weight
    for share in result.shares:
        shared[problem.department_index[share.department], problem.weeks.index(share.week)] += share.wte
    places = department_places(problem)
    rows = []
    for d in np.flatnonzero(used.any(axis=1)).tolist():
        own = problem.departments[d].wte
        limited = own is not None or d in served
        there = shared[d] + (0.0 if own is None else np.asarray(own))
        load = np.divide(weight[d], there, out=np.where(weight[d] > 0, np.inf, 0.0), where=there > 0)
        fill = np.divide(used[d], places[d], out=np.zeros(n), where=places[d] > 0)
        keys = [(float(load[w]) if limited else 0.0, float(fill[w]), -w) for w in range(n)]
        w = keys.index(max(keys))
        wte = [f"{weight[d, w]:.2f}", f"{there[w]:.2f}" if limited else "-"]
        wte.append(f"{load[w]:.0%}" if limited and np.isfinite(load[w]) else "-")
        row = [problem.departments[d].key, problem.weeks[w], f"{used[d, w]:.0f}", f"{places[d, w]:.0f}", *wte]
        rows.append((max(keys), row))
    rows.sort(key=lambda pair: (-pair[0][0], -pair[0][1], pair[1][0]))
    if not rows:
        return ""
    head = ["busiest departments", "week", "used", "places", "WTE used", "WTE", "load"]
    return table(head, [row for _, row in rows[:MOST_ROWS]], texts=2)


def department_places(problem: Problem) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The most learners at once that each department's offers hold, within its own cap: [departments,
    weeks]."""
    out = np.zeros((len(problem.departments), len(problem.weeks)), np.int64)
    for offer in problem.offers:
        out[problem.department_index[offer.department]] += np.asarray(offer.maximum, np.int64)
    for d, department in enumerate(problem.departments):
        if department.places is not None:
            out[d] = np.minimum(out[d], np.asarray(department.places, np.int64))
    return out


def _educators(problem: Problem, result: Result) -> str:
    """The educators who give most, each in their busiest week."""
    given: dict[tuple[str, str], float] = defaultdict(float)
    for share in result.shares:
        given[share.educator, share.week] += share.wte
    best: dict[str, tuple[float, str]] = {}
    for (key, week), wte in sorted(given.items()):
        best[key] = max(best.get(key, (0.0, "")), (wte, week), key=lambda pair: pair[0])
    rows = []
    for key, (wte, week) in sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:MOST_ROWS]:
        educator = problem.educators[problem.educator_index[key]]
        has = educator.wte[problem.weeks.index(week)]
        rows.append([key, week, len(educator.departments), f"{wte:.2f}", f"{has:.2f}"])
    return (
        table(["busiest educators", "week", "departments", "WTE given", "WTE"], rows, texts=2) if rows else ""
    )


def _floating(problem: Problem, result: Result) -> str:
    floating = [r.key for r in problem.requirements if r.rotation is not None]
    if not floating:
        return ""
    taken = Counter(result.blocks[key] for key in floating if key in result.blocks)
    lines = f"floating  {sum(taken.values()):,} of {len(floating):,} placed in a block of their rotation"
    most = taken.most_common(MOST_ROWS)
    return (
        f"{lines}\n{table(['block', 'placed'], [[block, f'{n:,}'] for block, n in most])}" if most else lines
    )


def _unplaced(result: Result) -> str:
    if not result.unplaced:
        return ""
    proven = Counter((reason.kind, reason.proven) for reason in result.unplaced.values())
    short, seen = proven["shortage", True], proven["shortage", False]
    lines = [
        f"unplaced  {len(result.unplaced):,}: {short + seen:,} by shortage ({short:,} proven by counting), "
        f"{len(result.unplaced) - short - seen:,} by rules"
    ]
    sites: Counter[str] = Counter()
    whom: Counter[str] = Counter()
    for reason in result.unplaced.values():
        sites.update(reason.rules.values())
        whom.update(set(reason.rules.values()))
    rows = [[rule, f"{whom[rule]:,}", f"{n:,}"] for rule, n in sites.most_common()]
    if rows:
        lines.append(table(["refused by rule", "requirements", "sites"], rows))
    return "\n".join(lines)


def _conflicts(result: Result) -> str:
    lines = []
    for conflict in result.conflicts[:MOST_ROWS]:
        locks = ", ".join(f"{k.kind} {k.requirement} {k.site_or_department}" for k in conflict.locks)
        lines.append(cut(plain(f"conflict  {locks}: against {', '.join(conflict.rules)}"), WIDTH))
    return "\n".join(lines)
