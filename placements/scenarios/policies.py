"""The policy editor's content: what is typed, how steps are rearranged, and the policy that comes of it.

Everything is text until `policy_of` reads it, so that what was typed survives. Each setting is named as the
form names it; what the engine refuses is put to that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import matching
from placements.errors import Refused
from placements.scenarios.policy_words import AIMS, MODES, PRICES, RULES

# The rules that are simply obeyed or set aside.
SWITCHES = tuple(name for name in RULES if isinstance(getattr(matching.Policy(), name), bool))
# Stepped prices: the form's name, the policy's, and how many steps can be typed.
STEPPED = {"travel": "travel", "load": "supervisor_load"}
MOST_STEPS = 5
ALONE = {aim for aim in AIMS if AIMS[aim].is_alone}
WHOLE = re.compile(r"\d{1,19}", re.ASCII)
PERCENT = "Enter a percentage from 0 to 1,000, or leave it empty for no limit"


@dataclass(frozen=True)
class Draft:
    """A policy as typed: `values` by the form's names, the rules that are ticked, and the steps in order,
    each of aims to the weight that was typed."""

    values: Mapping[str, str]
    obeyed: frozenset[str]
    tiers: tuple[Mapping[str, str], ...] = field(default=())

    @property
    def left_out(self) -> list[str]:
        """The aims in no step."""
        used = {aim for tier in self.tiers for aim in tier}
        return [aim for aim in AIMS if aim not in used]


def draft_of(policy_json: str) -> Draft:
    """A kept policy, ready to be changed."""
    policy = matching.Policy.from_json(policy_json)
    values = {f"limit_{mode}": str(policy.travel_limit[mode]) for mode in MODES}
    values["supervision"] = "" if policy.supervision is None else f"{100 * policy.supervision:g}"
    values |= {name: str(getattr(policy, name)) for name in (*PRICES, "seed")}
    for short, name in STEPPED.items():
        for i, (start, price) in enumerate(getattr(policy, name)):
            values |= {f"{short}_from_{i}": str(start), f"{short}_price_{i}": str(price)}
    return Draft(
        values,
        frozenset(name for name in SWITCHES if getattr(policy, name)),
        tuple({aim: str(weight) for aim, weight in tier.items()} for tier in policy.tiers),
    )


def draft_from(said: Mapping[str, str]) -> Draft:
    """What a form says. `tier_AIM` is the number of the aim's step; one that is empty is left out."""
    numbered: dict[int, dict[str, str]] = {}
    for aim in AIMS:
        step = said.get(f"tier_{aim}", "").strip()
        if WHOLE.fullmatch(step) and int(step):
            numbered.setdefault(int(step), {})[aim] = said.get(f"weight_{aim}", "").strip() or "1"
    names = [f"limit_{mode}" for mode in MODES] + ["supervision", *PRICES, "seed"]
    names += [f"{s}_{part}_{i}" for s in STEPPED for part in ("from", "price") for i in range(MOST_STEPS)]
    return Draft(
        {name: said.get(name, "").strip() for name in names},
        frozenset(name for name in SWITCHES if said.get(f"rule_{name}")),
        tuple(numbered[step] for step in sorted(numbered)),
    )


def rearranged(draft: Draft, wish: str) -> Draft:
    """The draft after one move of the editor: `up:2` and `down:2` move a step (the first is 1), `join:AIM`
    puts an aim with the step above, `alone:AIM` makes it a step of its own after the one it was in,
    `out:AIM` leaves it out, `in:AIM` adds it as the last step. What cannot be done changes nothing."""
    verb, _, what = wish.partition(":")
    tiers = [dict(tier) for tier in draft.tiers]
    at = next((i for i, tier in enumerate(tiers) if what in tier), None)
    if verb in ("up", "down") and what.isdigit():
        here = int(what) - 1
        there = here - 1 if verb == "up" else here + 1
        if 0 <= here < len(tiers) and 0 <= there < len(tiers):
            tiers[here], tiers[there] = tiers[there], tiers[here]
    elif verb == "in" and at is None and what in AIMS:
        tiers.append({what: "1"})
    elif verb == "join" and at is not None and can_join(draft, what):
        tiers[at - 1][what] = tiers[at].pop(what)
    elif verb == "alone" and at is not None and len(tiers[at]) > 1:
        tiers.insert(at + 1, {what: tiers[at].pop(what)})
    elif verb == "out" and at is not None:
        del tiers[at][what]
    return replace(draft, tiers=tuple(tier for tier in tiers if tier))


def next_wish(draft: Draft, wish: str) -> str:
    """The button that the keyboard goes on from after a move: the same one of what moved, or its opposite."""
    verb, _, what = wish.partition(":")
    if verb in ("up", "down") and what.isdigit():
        now = min(max(int(what) + (1 if verb == "down" else -1), 1), len(draft.tiers))
        at_end = now == (1 if verb == "up" else len(draft.tiers))
        return f"{({'up': 'down', 'down': 'up'} if at_end else {}).get(verb, verb)}:{now}"
    if verb == "alone":
        return f"join:{what}" if can_join(draft, what) else f"out:{what}"
    return {"join": f"alone:{what}", "in": f"out:{what}", "out": f"in:{what}"}.get(verb, "")


def can_join(draft: Draft, aim: str) -> bool:
    """Whether an aim can go with the step above its own: there is one, and neither must stand alone."""
    at = next((i for i, tier in enumerate(draft.tiers) if aim in tier), 0)
    return at > 0 and aim not in ALONE and not ALONE & set(draft.tiers[at - 1])


def policy_of(draft: Draft) -> str:
    """The policy that a draft says, as it is kept. Raises Refused naming each wrong field with what would be
    right."""
    reader = _Reader(draft)
    settings = reader.settings()
    if not reader.fields:
        try:
            return matching.Policy(**settings).to_json()
        except matching.PolicyError as error:
            reader.refuse(error)
    raise Refused("The policy was not saved. Put right what is marked.", reader.fields)


class _Reader:
    """Reads a draft's text setting by setting, each tried by the engine on its own, so that all that is wrong
    is said at once."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.fields = draft, dict[str, str]()
        # Of each stepped price, the form's rows that say something: the engine counts only those.
        self.rows: dict[str, list[int]] = {}

    def settings(self) -> dict[str, Any]:
        draft = self.draft
        settings: dict[str, Any] = {name: name in draft.obeyed for name in SWITCHES}
        limits = {mode: self._whole(f"limit_{mode}", "minutes from 0 to 1,440") for mode in MODES}
        settings["travel_limit"] = limits
        settings["supervision"] = self._percent("supervision")
        for name in PRICES:
            settings[name] = self._whole(name, "points from 0 to 10,000")
        settings["seed"] = self._whole("seed", "a whole number, such as 0")
        settings["travel"] = self._steps("travel", "minutes")
        settings["supervisor_load"] = self._steps("load", "percent")
        settings["tiers"] = [
            {aim: self._whole(f"weight_{aim}", "a weight from 1 to 1,000", typed) for aim, typed in t.items()}
            for t in draft.tiers
        ]
        if not draft.tiers:
            self.fields["steps"] = "Add at least one aim: there must be something to choose by."
        for name in [name for name in settings if not self._is_wrong(name)]:
            try:
                matching.Policy(**{name: settings[name]})
            except matching.PolicyError as error:
                self.refuse(error)
        return settings

    def refuse(self, error: matching.PolicyError) -> None:
        """Put the engine's refusal to the form's name of the setting."""
        setting, _, rest = error.field.partition("[")
        keys = rest.rstrip("]").split("][") if rest else []
        words = f"Enter {error.expected}"
        if setting == "travel_limit" and keys:
            name = f"limit_{keys[0]}"
        elif setting == "tiers" and error.value in AIMS:
            title = AIMS[str(error.value)].title
            name = f"weight_{error.value}"
            words = f"“{title}” must be {error.expected.replace('tier', 'step')}"
        elif setting == "tiers":
            name = f"weight_{keys[1]}" if len(keys) > 1 else "steps"
        elif setting in STEPPED.values():
            name, words = self._step_refusal(setting, keys, words)
        else:
            name = setting
        self.fields.setdefault(name, PERCENT if name == "supervision" else words)

    def _step_refusal(self, setting: str, keys: list[str], words: str) -> tuple[str, str]:
        short = next(short for short, name in STEPPED.items() if name == setting)
        row = self.rows[short][int(keys[0])] if keys else 0
        if len(keys) > 1:
            return f"{short}_{'price' if keys[1] == '1' else 'from'}_{row}", words
        if "cheaper" in words:
            return f"{short}_price_{row}", "Enter a price no lower than that of the step before it"
        if "rising" in words:
            return f"{short}_from_{row}", "Begin each step later than the one before it"
        return f"{short}_from_{row}", words

    def _is_wrong(self, setting: str) -> bool:
        prefix = {
            "travel_limit": "limit_",
            "supervisor_load": "load_",
            "travel": "travel_",
            "tiers": "weight_",
        }
        return any(name.startswith(prefix.get(setting, setting)) for name in self.fields) or (
            setting == "tiers" and not self.draft.tiers
        )

    def _whole(self, name: str, wanted: str, typed: str | None = None) -> int:
        text = (self.draft.values.get(name, "") if typed is None else typed).replace(",", "")
        if not WHOLE.fullmatch(text):
            self.fields[name] = f"Enter {wanted}"
            return 0
        return int(text)

    def _percent(self, name: str) -> float | None:
        text = self.draft.values.get(name, "").removesuffix("%").strip()
        if not text:
            return None
        try:
            return float(text) / 100
        except ValueError:
            self.fields[name] = PERCENT
            return None

    def _steps(self, short: str, unit: str) -> list[tuple[int, int]]:
        names = [(f"{short}_from_{i}", f"{short}_price_{i}") for i in range(MOST_STEPS)]
        values = self.draft.values
        self.rows[short] = [i for i, pair in enumerate(names) if any(values.get(name) for name in pair)]
        return [
            (self._whole(names[i][0], unit), self._whole(names[i][1], "points")) for i in self.rows[short]
        ]
