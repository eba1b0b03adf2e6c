"""What one more place, or a tenth of a WTE more, is worth: the exact fall of every tier, by solving again.

In an integer program a price of a linear relaxation is only a slope; here the problem with the limit raised
is solved again and compared with the problem as it is, tier by tier. Independent parts that the limit does
not touch stay as they are; a pure flow is solved again as a flow, a small part whole, and in a large part
those who could gain are set free with everyone else in place (then the value is exact for them, and not
proven).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from matching.changes import Change, changed
from matching.flow import Stopped, solve_flow
from matching.nearby import LOSING, Nearby
from matching.network import build
from matching.policy import Policy
from matching.problem import Problem
from matching.resolve import OutOfTime, resolve, soon
from matching.result import Result
from matching.standing import NOWHERE, Standing
from matching.start import starting_prices
from matching.stop import Never, Stop
from matching.tables import Bools, Ints
from matching.validation import ProblemError
from matching.worth_asking import RaisedLimit, worth_asking

# Choices up to which a part is solved again whole, and requirements set free in a larger one.
WHOLE = 1_000
FREE = 40
# Those who could gain most whose way there is looked at with all who stand in it.
SEEDS = 3


@dataclass(frozen=True)
class Value:
    """What raising `limit` is worth. `gain`: by tier of the result, how much its value falls (negative where
    it rises, to an earlier tier's gain). `proven`: it is the difference of the two best answers; otherwise
    of the best found, with those free who could gain most and everyone else in place."""

    limit: RaisedLimit
    gain: tuple[tuple[str, int], ...]
    proven: bool

    @property
    def worthless(self) -> bool:
        """Whether no tier would change."""
        return not any(value for _, value in self.gain)


def prices(
    problem: Problem,
    policy: Policy,
    result: Result,
    *,
    candidates: Iterable[RaisedLimit] | None = None,
    seconds: float = 60.0,
    stop: Stop | None = None,
    standing: Standing | None = None,
) -> Iterator[Value]:
    """The value of raising each of some limits, one after another, for up to `seconds`.

    `candidates`: the limits asked about; None for those that can matter (`worth_asking`), the most wanted
    first. One that is left out because it binds neither in the answer nor in the relaxation is not claimed
    to be worth nothing. Each costs a solve of the parts touched, and on a large problem the preparation of a
    model (a second or two for a regional year). `standing` is the answer's, where it is made already.

    Raises `ProblemError` for a limit that the problem does not have.
    """
    hand, stop, ends = standing or Standing(problem, policy, result), stop or Never(), soon(seconds)
    asked = worth_asking(hand, stop, ends) if candidates is None else list(candidates)
    for limit in asked:
        if stop() or time.monotonic() > ends:
            return
        try:
            yield _Raised(hand, limit, stop, ends).value()
        except (OutOfTime, Stopped):
            return


def raised(problem: Problem, policy: Policy, limit: RaisedLimit) -> Problem:
    """The problem with a limit raised: one more place, or 0.1 WTE more, in each of its weeks. An offer keeps
    what it prefers. Raises `ProblemError` where there is no such limit."""
    rule, more = ("places", 1) if limit.what == "place" else ("supervision", 0.1)
    levels = ("offer", "department", "site", "trust") if limit.what == "place" else ("department", "educator")
    index = getattr(problem, f"{limit.level}_index") if limit.level in levels else {}
    if limit.key not in index:
        raise ProblemError("prices", "limit", limit, f"the key of one of {', '.join(levels)}")
    item = getattr(problem, f"{limit.level}s")[index[limit.key]]
    served = any(limit.key in e.departments for e in problem.educators)
    if limit.what == "place" and limit.level != "offer" and item.places is None:
        raise ProblemError("prices", "limit", limit, "one with a number of places")
    if limit.what == "wte" and item.wte is None and not served:
        raise ProblemError("prices", "limit", limit, "one with a WTE")
    weeks = tuple(problem.weeks[w] for w in limit.weeks)
    return changed(problem, policy, [Change(rule, limit.level, limit.key, None, more, weeks)])[0]


class _Raised:
    """One limit raised; see `prices`."""

    def __init__(self, hand: Standing, limit: RaisedLimit, stop: Stop, ends: float) -> None:
        self.hand, self.limit, self.stop, self.ends = hand, limit, stop, ends
        self.problem = raised(hand.problem, hand.policy, limit)

    def value(self) -> Value:
        hand = self.hand
        new = Standing(self.problem, hand.policy, hand.result)
        touched = self._touched(new)
        labels = np.unique(new.part[new.eligible.requirement[touched]])
        parts = [new.parts[i] for i in labels.tolist()]
        free = np.concatenate([np.zeros(0, np.int64), *(part.requirements for part in parts)])
        if all(not part.beyond_flow or len(part.pairs) <= WHOLE for part in parts):
            there, proven = self._whole(new, free)
            here, known = (0,) * len(hand.tiers), hand.result.status == "optimal"
            if not known:
                here, known = self._whole(hand, free)
            return self._told(self._shift(new), _by_name(hand, here), _by_name(new, there), proven and known)
        free = self._gainers(new, touched)
        new = new.narrowed(free, None)
        before, after = (resolve(x, free, self.stop, self.ends).change for x in (hand, new))
        return self._told(self._shift(new), _by_name(hand, before), _by_name(new, after), False)

    def _whole(self, standing: Standing, requirements: Ints) -> tuple[tuple[int, ...], bool]:
        """By tier, how the best answer of the parts of some requirements differs from the one in hand."""
        after: dict[int, int] = {}
        proven = True
        for i in np.unique(standing.part[requirements]).tolist():
            if i < 0:
                continue
            part = standing.parts[i]
            built = None
            if not part.beyond_flow:
                built = build(standing.tables, standing.policy, standing.eligible, part, standing.pinned)
            if built is None:
                found = resolve(standing, part.requirements, self.stop, self.ends)
                after.update(found.after)
                proven = proven and found.proven
                continue
            network, layout = built
            pairs = layout.pair[solve_flow(network, starting_prices(network), self.stop).pair]
            after.update(dict.fromkeys(part.requirements.tolist(), NOWHERE))
            after.update({int(standing.choices.requirement[k]): k for k in pairs[pairs >= 0].tolist()})
        return standing.effect(after), proven

    def _told(
        self, saved: dict[str, int], before: dict[str, int], after: dict[str, int], proven: bool
    ) -> Value:
        gain = tuple(
            (tier.name, saved.get(tier.name, 0) + before.get(tier.name, 0) - after.get(tier.name, 0))
            for tier in self.hand.result.tiers
        )
        return Value(self.limit, gain, proven)

    # -- who is touched ------------------------------------------------------------

    def _touched(self, new: Standing) -> Ints:
        """Pairs under the limit in some of its weeks; for an educator, of any department served."""
        tables, eligible, limit = new.tables, new.eligible, self.limit
        under = self._under(new)[eligible.offer]
        under &= tables.week_set_weeks[eligible.week_set][:, list(limit.weeks)].any(axis=1)
        return np.flatnonzero(under)

    def _under(self, new: Standing) -> Bools:
        """[offers] those that the limit is over."""
        problem, tables, limit = new.problem, new.tables, self.limit
        if limit.level == "educator":
            educator = problem.educators[problem.educator_index[limit.key]]
            departments = [problem.department_index[key] for key in educator.departments]
            under: Bools = np.isin(tables.offer_department, departments)
            return under
        of = {
            "offer": np.arange(len(problem.offers)),
            "department": tables.offer_department,
            "site": tables.offer_site,
            "trust": tables.offer_trust,
        }[limit.level]
        out: Bools = of == getattr(problem, f"{limit.level}_index")[limit.key]
        return out

    def _gainers(self, new: Standing, touched: Ints) -> Ints:
        """In a large part: those who would gain most by a place under the limit, and who gains by theirs."""
        hand, near = self.hand, Nearby(self.hand)
        gain: dict[int, tuple[int, int]] = {}
        requirement, offer = new.eligible.requirement[touched], new.eligible.offer[touched]
        for r, o in zip(requirement.tolist(), offer.tolist(), strict=True):
            now = LOSING if hand.held[r] == NOWHERE else int(near.cost[hand.held[r]])
            mine = np.arange(hand.start[r], hand.start[r + 1])
            mine = mine[hand.choices.offer[mine] == o]  # none where no place was open there before
            k = int(mine[np.argmin(near.cost[mine])]) if len(mine) else NOWHERE
            gain[r] = max(gain.get(r, (0, NOWHERE)), (now - int(near.cost[k]) if len(mine) else now, k))
        order = sorted((r for r in gain if gain[r][0] > 0), key=lambda r: (-gain[r][0], r))
        free = dict.fromkeys(order[: FREE // 3])
        for r in order[:SEEDS]:
            if gain[r][1] != NOWHERE:
                free.update(dict.fromkeys(near.about(gain[r][1], FREE // 3).tolist()))
        for r in order[: FREE // 3]:
            if hand.held[r] != NOWHERE:
                free.update(dict.fromkeys(q for _, q in near.gainers(int(hand.held[r]))[:2]))
        return np.array(sorted(list(free)[:FREE]), np.int64)

    # -- values ------------------------------------------------------------

    def _shift(self, new: Standing) -> dict[str, int]:
        """By tier, what the raise saves with everybody where they are: WTE makes a load lighter, and a
        maximum raised makes the steps above preferred smaller."""
        old, now = self._aims(self.hand), self._aims(new)
        named = zip(self.hand.policy.tier_names, self.hand.policy.tiers, strict=True)
        return {
            name: sum(weight * (old.get(a, 0) - now.get(a, 0)) for a, weight in tier.items())
            for name, tier in named
        }

    def _aims(self, standing: Standing) -> dict[str, int]:
        chosen, group = standing.choices, standing.load_group
        departments = np.unique(standing.tables.offer_department[self._under(standing)])
        near = np.isin(group[chosen.department], np.unique(group[departments]))
        return standing.aims(standing.held, near)


def _by_name(standing: Standing, change: tuple[int, ...]) -> dict[str, int]:
    return {tier.name: value for tier, value in zip(standing.tiers, change, strict=True)}
