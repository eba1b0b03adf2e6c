"""The rules and prices of a match, as data. Each rule's setting bears the rule's name.

Prices are whole points. One point is one minute of travel at the cheapest step. Inside the engine every
cost is a whole number of thousandths of a point, so that no sum is ever rounded.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from matching.problem import MODES
from matching.validation import Checks, PolicyError, check_names, read_json

MOST_PRICE = 10_000
MOST_TIER_WEIGHT = 1_000
Steps = tuple[tuple[int, int], ...]

# The aims a tier may hold. Each counts in points; an aim that looks at the worst alone stands alone.
TERMS = (
    "worst_travel",
    "travel",
    "worst_preference",
    "preferences",
    "above_preferred",
    "supervisor_load",
    "past_travel",
    "hei_fairness",
    "continuity",
    "variety",
    "changes",
)
ALONE = ("worst_travel", "worst_preference", "hei_fairness")
DEFAULT_TIER: Mapping[str, int] = {"travel": 1, "preferences": 1, "above_preferred": 1, "supervisor_load": 1}


@dataclass(frozen=True)
class Policy:
    """How a round is matched. Raises `PolicyError` naming the setting, its value and what would be right.

    Hard rules (True: obeyed, False: ignored): `modality_fit`, `group_fit`, `employer`, `exclusion`,
    `offer_weeks`, `locks`, `places`, `one_place_a_week`. `travel_limit` is the most minutes one way by
    mode. `supervision` is the most supervisor load (weight supervised / WTE available) in a department and
    week; None leaves WTE out.

    Prices, all convex: `travel`: (from minutes, points a further minute): (0, 1), (30, 2), (60, 4) charges
    45 minutes 30 + 15 x 2. `preference_step`: points a rank below first; `preference_unranked`: points of a
    site not on a learner's list (learners with no list pay nothing; no rank ever costs more than an
    unranked site). `above_preferred`: points a week of an offer's last place; the k-th of n places above
    preferred costs k/n of it. `supervisor_load`: (from percent of WTE, points a WTE and week above it),
    added up. `seed`: the draw that settles ties.

    Further rules: `access`, `accommodation` (a learner who would take a bed may go beyond the travel limit
    where the site has one in every week), `site_repeats`, `different_sites`, `rotation`, `companions`,
    `agreements`.

    `tiers`: the aims after placing, most important first; in each tier the weight of each aim. No amount of
    a later tier buys any of an earlier one. Aims, in points (a placing with a bed counts the travel limit as
    its minutes): `travel`, `preferences`, `above_preferred`, `supervisor_load` by the prices above;
    `worst_travel`: the longest journey, a point a minute; `worst_preference`: the rank of the worst placing
    (0 is first, unranked counts as one past the list); `past_travel`: minutes x the learner's past minutes /
    60; `hei_fairness`: the largest of the HEIs' minutes placed a requirement; `continuity`: placings away
    from the learner's hub; `variety`: placings at a site that the learner has been to or goes to again;
    `changes`: published placings that are not kept.
    """

    modality_fit: bool = True
    group_fit: bool = True
    exclusion: bool = True
    employer: bool = True
    locks: bool = True
    travel_limit: Mapping[str, int] = field(default_factory=lambda: {"car": 90, "public_transport": 90})
    offer_weeks: bool = True
    places: bool = True
    one_place_a_week: bool = True
    supervision: float | None = 1.0
    travel: Steps = ((0, 1), (30, 2), (60, 4))
    preference_step: int = 10
    preference_unranked: int = 40
    above_preferred: int = 4
    supervisor_load: Steps = ((50, 2), (75, 4), (90, 8))
    access: bool = True
    accommodation: bool = True
    site_repeats: bool = True
    different_sites: bool = True
    rotation: bool = True
    companions: bool = True
    agreements: bool = True
    tiers: tuple[Mapping[str, int], ...] = (DEFAULT_TIER,)
    seed: int = 0

    def __post_init__(self) -> None:
        check = Checks(PolicyError, "policy")
        for name in (
            "modality_fit",
            "group_fit",
            "exclusion",
            "employer",
            "locks",
            "offer_weeks",
            "places",
            "one_place_a_week",
            "access",
            "accommodation",
            "site_repeats",
            "different_sites",
            "rotation",
            "companions",
            "agreements",
        ):
            check.boolean(name, getattr(self, name))
        if not isinstance(self.travel_limit, Mapping) or sorted(self.travel_limit) != sorted(MODES):
            check.refuse("travel_limit", self.travel_limit, "minutes for each of car and public_transport")
        limits = {m: check.whole(f"travel_limit[{m}]", self.travel_limit[m], 0, 24 * 60) for m in MODES}
        object.__setattr__(self, "travel_limit", limits)
        if self.supervision is not None:
            check.number("supervision", self.supervision, 0.0, 10.0)
        for name, most in (("travel", 24 * 60), ("supervisor_load", 1_000)):
            object.__setattr__(self, name, _steps(check, name, getattr(self, name), most))
        if self.travel[:1] and self.travel[0][0] != 0:
            check.refuse("travel[0]", self.travel[0], "a step from 0 minutes")
        for name in ("preference_step", "preference_unranked", "above_preferred"):
            check.whole(name, getattr(self, name), 0, MOST_PRICE)
        object.__setattr__(self, "tiers", _tiers(check, self.tiers))
        check.whole("seed", self.seed, 0, 2**63 - 1)

    @property
    def tier_names(self) -> tuple[str, ...]:
        """The name of each soft tier in a result: its one aim, or "cost" ("cost_2" ...) for several."""
        names: list[str] = []
        mixed = 0
        for tier in self.tiers:
            mixed += len(tier) > 1
            names.append(next(iter(tier)) if len(tier) == 1 else "cost" if mixed == 1 else f"cost_{mixed}")
        return tuple(names)

    def to_json(self) -> str:
        """The policy as one JSON object, every setting written out."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Policy:
        """Reads settings by name; those left out keep their default. Raises `PolicyError`."""
        found = read_json(PolicyError, "policy", text)
        check_names(PolicyError, "policy", found, [f.name for f in dataclasses.fields(cls)], [])
        return cls(**found)

    def replace(self, **changes: Any) -> Policy:
        """The same policy with some settings changed."""
        return dataclasses.replace(self, **changes)


def _tiers(check: Checks, value: object) -> tuple[Mapping[str, int], ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or not value:
        check.refuse("tiers", value, "a list of at least one tier")
    seen: set[str] = set()
    out = []
    for i, tier in enumerate(value):
        if not isinstance(tier, Mapping) or not tier:
            check.refuse(f"tiers[{i}]", tier, "an object of weights by aim")
        for name in tier:
            if name not in TERMS:
                check.refuse(f"tiers[{i}]", name, "one of " + ", ".join(TERMS))
            if name in seen:
                check.refuse(f"tiers[{i}]", name, "in one tier only")
            if name in ALONE and len(tier) > 1:
                check.refuse(f"tiers[{i}]", name, "alone in its tier")
            seen.add(name)
        out.append({n: check.whole(f"tiers[{i}][{n}]", tier[n], 1, MOST_TIER_WEIGHT) for n in tier})
    return tuple(out)


def _steps(check: Checks, name: str, value: object, most: int) -> Steps:
    wanted = "a list of steps [from, price] with from rising"
    if isinstance(value, str) or not isinstance(value, list | tuple):
        check.refuse(name, value, wanted)
    out: list[tuple[int, int]] = []
    for i, step in enumerate(value):
        if not isinstance(step, list | tuple) or len(step) != 2:
            check.refuse(f"{name}[{i}]", step, wanted)
        start = check.whole(f"{name}[{i}][0]", step[0], 0, most)
        price = check.whole(f"{name}[{i}][1]", step[1], 0, MOST_PRICE)
        if out and start <= out[-1][0]:
            check.refuse(f"{name}[{i}]", step, wanted)
        if name == "travel" and out and price < out[-1][1]:
            check.refuse(f"{name}[{i}]", step, "no cheaper than the step before it (the penalty is convex)")
        out.append((start, price))
    return tuple(out)
