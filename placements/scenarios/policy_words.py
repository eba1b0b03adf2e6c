"""A policy in plain words: aims, rules, prices, what a weight amounts to, and how two policies differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matching
from placements.web.formats import count


@dataclass(frozen=True)
class Aim:
    """What a step may aim for. `unit` begins a sentence about one more of what it counts, `counted` are all
    of them."""

    title: str
    text: str
    unit: str
    counted: str
    is_alone: bool = False


AIMS: Mapping[str, Aim] = {
    "worst_travel": Aim(
        "The longest journey",
        "The one longest journey of the round is made as short as it can be.",
        "A minute of the longest journey",
        "minutes of the longest journey",
        is_alone=True,
    ),
    "travel": Aim(
        "Travel",
        "All minutes of travel one way, with longer journeys counted at a higher price.",
        "A minute of travel",
        "travel",
    ),
    "worst_preference": Aim(
        "The worst choice",
        "No learner is sent far down their list of sites while a swap could help.",
        "One choice down of the learner who is worst off",
        "choices down of the learner who is worst off",
        is_alone=True,
    ),
    "preferences": Aim(
        "Preferences",
        "Learners go to sites that they ranked high.",
        "One choice further down a learner’s list",
        "preferences",
    ),
    "above_preferred": Aim(
        "Preferred places",
        "Departments take no more learners than they prefer, where that is possible.",
        "A week in the last of the places above preferred",
        "places above preferred",
    ),
    "supervisor_load": Aim(
        "Even supervisor load",
        "No department’s supervisors are loaded heavily while others have time.",
        "A week of one WTE at full load",
        "supervisor load",
    ),
    "past_travel": Aim(
        "Travel so far",
        "Those who have travelled far in earlier rounds travel less in this one.",
        "A minute of a learner who travelled an hour on average so far",
        "travel weighed by travel so far",
    ),
    "hei_fairness": Aim(
        "Fairness between HEIs",
        "The HEI whose learners travel furthest on average has its average made as short as it can be.",
        "A minute of that HEI’s average",
        "minutes on average of the HEI that travels furthest",
        is_alone=True,
    ),
    "continuity": Aim(
        "Staying with the hub",
        "Learners who have a hub trust are placed there.",
        "A placement away from the hub",
        "placements away from the hub",
    ),
    "variety": Aim(
        "Variety",
        "Learners go to sites where they have not been.",
        "A placement at a site that the learner knows",
        "placements at sites that the learner knows",
    ),
    "changes": Aim(
        "Fewest changes",
        "Learners keep the places that were published.",
        "A published place that is not kept",
        "published places that are not kept",
    ),
}

# Each rule by its name: what it is called, and what holds while it is obeyed.
RULES: Mapping[str, tuple[str, str]] = {
    "modality_fit": ("Modality", "Learners go only where the modality that they need is."),
    "group_fit": ("Group and stage", "Departments get only learners of groups and stages that they take."),
    "exclusion": ("Sites to avoid", "Nobody goes to a site that they must avoid."),
    "access": ("Access needs", "Learners go only to sites that meet their access needs."),
    "employer": ("Employer", "Employed learners stay with the trust that employs them, unless released."),
    "locks": ("Locks", "Pins and bans of academy leads, declines and upheld appeals are obeyed."),
    "offer_weeks": ("Weeks offered", "A place is offered in every week of the placement."),
    "places": ("Places", "No week has more learners than places, at department, site and trust."),
    "one_place_a_week": ("One place a week", "No learner is in two placements in the same week."),
    "accommodation": ("Accommodation", "Beyond the travel limit only those go who have a bed at the site."),
    "rotation": ("Rotations", "The parts of a rotation take its blocks in any order, each block once."),
    "site_repeats": ("Repeats", "Learners return to a site no more often than their programme lets them."),
    "different_sites": ("Different sites", "Learners see as many different sites as their programme asks."),
    "companions": ("Together and apart", "Learners who go together or apart do so."),
    "agreements": ("Agreements", "The most and least that HEIs and trusts agreed are kept."),
    "travel_limit": ("Travel limit", "Nobody travels longer than the limit of their way of travelling."),
    "supervision": ("Supervision", "Supervisors have enough time for the learners that they get."),
}
MODES = {"car": "by car", "public_transport": "by public transport"}
PRICES = {
    "preference_step": "Price of each choice below the first",
    "preference_unranked": "Price of a site that the learner did not list",
    "above_preferred": "Price of a department’s last place above preferred, a week",
}


def effects(policy: matching.Policy) -> dict[str, str]:
    """What the weight of each aim amounts to beside the others of its step, in a sentence."""
    found: dict[str, str] = {}
    for tier in policy.tiers:
        if len(tier) == 1:
            (aim,) = tier
            found[aim] = "Alone in its step, so its weight makes no difference."
            continue
        measure = "travel" if "travel" in tier else next(iter(tier))
        one = tier[measure] * points(policy, measure)
        for aim, weight in tier.items():
            if aim == measure:
                found[aim] = _travel_steps(policy) if aim == "travel" else "The others are measured by it."
                continue
            here = weight * points(policy, aim)
            if not here:
                found[aim] = f"{AIMS[aim].unit} counts nothing: its price is 0."
            elif not one:
                found[aim] = f"{AIMS[aim].unit} counts {number(here)} points."
            elif measure == "travel":
                minutes = number(here / one)
                found[aim] = (
                    f"{AIMS[aim].unit} counts as much as {minutes} more"
                    f" {'minute' if minutes == '1' else 'minutes'} of a short journey."
                )
            else:
                unit = AIMS[measure].unit
                found[aim] = (
                    f"{AIMS[aim].unit} counts {number(here / one)} times as much as"
                    f" {unit[0].lower()}{unit[1:]}."
                )
    return found


def points(policy: matching.Policy, aim: str) -> float:
    """The points of one unit of an aim, unweighted."""
    if aim == "travel":
        return policy.travel[0][1] if policy.travel else 0
    if aim == "preferences":
        return policy.preference_step
    if aim == "above_preferred":
        return policy.above_preferred
    if aim == "supervisor_load":
        return sum(max(0, 100 - start) / 100 * price for start, price in policy.supervisor_load)
    return 1


def _travel_steps(policy: matching.Policy) -> str:
    first = points(policy, "travel")
    if not first:
        return "The first minutes cost nothing; what is beyond them has the price below."
    later = [
        f"{number(price / first)} times as much beyond {start} minutes" for start, price in policy.travel[1:]
    ]
    return f"A minute counts {joined(later)}." if later else "Every minute counts the same."


def steps(policy: matching.Policy) -> list[str]:
    """The aims in order, a line a step: "Travel, and 3 times Preferences"."""
    return [
        joined([AIMS[aim].title if weight == 1 else f"{AIMS[aim].title} × {weight}" for aim, weight in t])
        for t in (list(tier.items()) for tier in policy.tiers)
    ]


def tier_titles(policy_json: str) -> dict[str, str]:
    """By the name that a result gives each of a policy's steps: what is made as little as can be."""
    policy = matching.Policy.from_json(policy_json)
    found = {}
    for name, tier in zip(policy.tier_names, policy.tiers, strict=True):
        (first, *rest) = [AIMS[aim].counted for aim in AIMS if aim in tier]
        found[name] = (
            joined([f"Points for {first}", *rest]) if len(tier) > 1 else f"{first[0].upper()}{first[1:]}"
        )
    return found


def changes(policy: matching.Policy, own: matching.Policy) -> list[str]:
    """How a policy differs from another, a sentence a setting; nothing where it does not."""
    found: list[str] = []
    if [set(tier) for tier in policy.tiers] != [set(tier) for tier in own.tiers]:
        found += _order_changes(policy, own)
    ours, theirs = _weights(policy), _weights(own)
    for aim, weight in ours.items():
        if aim in theirs and theirs[aim] != weight:
            found.append(f"Weight of “{AIMS[aim].title}”: {weight} instead of {theirs[aim]}.")
    for mode, words in MODES.items():
        if policy.travel_limit[mode] != own.travel_limit[mode]:
            found.append(
                f"Travel limit {words}: {count(policy.travel_limit[mode], 'minute')} instead of"
                f" {own.travel_limit[mode]}."
            )
    if policy.supervision != own.supervision:
        found.append(
            f"Most supervisor load: {_load(policy.supervision)} instead of {_load(own.supervision)}."
        )
    for name, (title, _) in RULES.items():
        here, there = getattr(policy, name), getattr(own, name)
        if isinstance(here, bool) and here != there:
            found.append(f"The rule “{title}” is {'obeyed' if here else 'set aside'}.")
    for name, words in PRICES.items():
        here, there = getattr(policy, name), getattr(own, name)
        if here != there:
            found.append(f"{words}: {here} instead of {there} points.")
    if policy.travel != own.travel:
        found.append(
            f"Price of travel: {_priced(policy.travel, 'minutes')} instead of"
            f" {_priced(own.travel, 'minutes')}."
        )
    if policy.supervisor_load != own.supervisor_load:
        found.append(
            f"Price of supervisor load: {_priced(policy.supervisor_load, '%')} instead of"
            f" {_priced(own.supervisor_load, '%')}."
        )
    if policy.seed != own.seed:
        found.append(f"Ties are settled by draw {policy.seed} instead of {own.seed}.")
    return found


def changes_of_json(policy_json: str, own_json: str) -> list[str]:
    """The same of policies as they are kept."""
    return changes(matching.Policy.from_json(policy_json), matching.Policy.from_json(own_json))


def usual_json() -> str:
    """The policy of a round in which nobody has set anything."""
    return matching.Policy().to_json()


def all_settings() -> list[str]:
    """The name of every setting of a policy."""
    return [field.name for field in dataclasses.fields(matching.Policy)]


def _order_changes(policy: matching.Policy, own: matching.Policy) -> list[str]:
    order = "; ".join(f"{i}. {_aims(tier)}" for i, tier in enumerate(policy.tiers, 1))
    before = "; ".join(f"{i}. {_aims(tier)}" for i, tier in enumerate(own.tiers, 1))
    found = [f"Aims in order: {order} – instead of {before}."]
    ours, theirs = set(_weights(policy)), set(_weights(own))
    found += [f"Aims for “{AIMS[aim].title}” as well." for aim in AIMS if aim in ours - theirs]
    found += [f"Does not aim for “{AIMS[aim].title}”." for aim in AIMS if aim in theirs - ours]
    return found


def _weights(policy: matching.Policy) -> dict[str, int]:
    return {aim: weight for tier in policy.tiers for aim, weight in tier.items()}


def _aims(tier: Mapping[str, int]) -> str:
    return joined([AIMS[aim].title for aim in AIMS if aim in tier])


def _load(supervision: float | None) -> str:
    return "no limit" if supervision is None else f"{number(100 * supervision)}% of WTE"


def _priced(prices: Sequence[tuple[int, int]], unit: str) -> str:
    if not prices:
        return "nothing"
    per_cent = unit == "%"
    return joined(
        [f"{price} from {start}{'%' if per_cent else f' {unit}'}" for start, price in prices], last=", "
    )


def number(value: float) -> str:
    """12, 1.5, 0.25: no more figures than are needed."""
    if value == round(value):
        return f"{round(value):,}"
    return f"{value:,.1f}" if value >= 1 else f"{value:.2g}"


def joined(parts: Sequence[str], last: str = " and ") -> str:
    """a, b and c"""
    return ", ".join(parts[:-1]) + (last if len(parts) > 1 else "") + (parts[-1] if parts else "")
