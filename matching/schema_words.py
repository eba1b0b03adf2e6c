"""What the dataclasses leave unsaid of their fields, for the schemas: the meaning of each, and its limits as
the validators have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from matching import policy as policies
from matching import problem as problems
from matching import result as results
from matching.validation import MOST_PLACES, MOST_REPEATS, MOST_WEEKS, MOST_WTE

DAY = 24 * 60

Json = dict[str, Any]


class Said(NamedTuple):
    """What the types leave unsaid of a field: its meaning, limits of its values, limits of the whole."""

    words: str
    each: Mapping[str, Any] = {}
    whole: Mapping[str, Any] = {}


def limits(least: float, most: float | None = None) -> Json:
    return {"minimum": least} if most is None else {"minimum": least, "maximum": most}


TEXT: Json = {"pattern": r"\S", "maxLength": 200}
_DATE: Json = {"pattern": r"^\d{4}-\d{2}-\d{2}$", "format": "date"}
_WEEK_INDEX = limits(0, MOST_WEEKS - 1)
_BY_WEEK: Json = {"maxItems": MOST_WEEKS}
_SET: Json = {"uniqueItems": True}
_GROUP_STAGE: list[Json] = [{"type": "string", **TEXT}, {"type": ["string", "null"], **TEXT}]


def _key(words: str) -> Said:
    return Said(words, TEXT)


def _keys(words: str, **whole: Any) -> Said:
    return Said(words, TEXT, {**_SET, **whole})


def _places(words: str) -> Said:
    return Said(words, limits(0, MOST_PLACES), _BY_WEEK)


def _steps(words: str, most: int) -> Said:
    pair = [{"type": "integer", **limits(0, most)}, {"type": "integer", **limits(0, policies.MOST_PRICE)}]
    items = {"type": "array", "prefixItems": pair, "items": False, "minItems": 2}
    return Said(words, {}, {"items": items})


WORDS: dict[str, dict[str, Said]] = {
    "Problem": {
        "weeks": Said("The weeks of the round: ISO Mondays, rising.", _DATE, {**_BY_WEEK, **_SET}),
        "trusts": Said("The NHS trusts."),
        "sites": Said("Their hospitals and centres; the columns of travel_minutes."),
        "departments": Said("The modalities of the sites."),
        "offers": Said("What the departments offer."),
        "learners": Said("Those to be placed; the rows of travel_minutes."),
        "requirements": Said("What the learners need, one place each."),
        "locks": Said("Pins and bans by hand."),
        "travel_minutes": Said(
            "Whole minutes one way, door to door, in the learner's own mode: a row a learner, a column a "
            f"site; {problems.UNREACHABLE} is unreachable."
        ),
        "educators": Said("Practice educators whose time the match shares out."),
        "rotations": Said("Blocks to be taken in any order."),
        "companions": Said("Learners to be kept together or apart."),
        "agreements": Said("What HEIs and trusts agreed."),
        "published": Said("The placings of the last publication."),
    },
    "Trust": {
        "key": _key("Its key, used by no other trust."),
        "places": _places("The most learners at once over all its sites, by week; null: no cap."),
    },
    "Site": {
        "key": _key("Its key, used by no other site or department."),
        "trust": _key("The key of its trust."),
        "places": _places("The most learners at once, by week; null: no cap."),
        "access": _keys("The access needs that it meets."),
        "accommodation": _places("Beds for learners beyond their travel limit, by week; null: none."),
    },
    "Department": {
        "key": _key("Its key, used by no other department or site."),
        "site": _key("The key of its site."),
        "modality": _key("What it does, such as ct."),
        "places": _places("The most learners at once, by week; null: no cap."),
        "wte": Said(
            "Supervising WTE of its own, by week; null: no cap, or none where an educator serves it.",
            limits(0, MOST_WTE),
            _BY_WEEK,
        ),
    },
    "Offer": {
        "key": _key("Its key, used by no other offer."),
        "department": _key("The key of the department that offers."),
        "groups": _keys("The learner groups that it takes; none named: any."),
        "stages": _keys("The stages that it takes; none named: any."),
        "preferred": _places("Places that it would like to fill, by week; no more than maximum."),
        "maximum": _places("Places that it has at most, by week."),
    },
    "Educator": {
        "key": _key("Their key, used by no other educator."),
        "departments": _keys("The departments that they may supervise.", minItems=1),
        "wte": Said("Supervising WTE, by week.", limits(0, MOST_WTE), _BY_WEEK),
        "supervises": Said(
            "The groups and stages of learners that they may supervise, a stage of null for every stage of "
            "the group; none named: anybody.",
            {},
            {**_SET, "items": {"type": "array", "prefixItems": _GROUP_STAGE, "items": False, "minItems": 2}},
        ),
        "most": _places("The most learners at once over all their departments, by week; null: no limit."),
    },
    "Learner": {
        "key": _key("Their key, used by no other learner."),
        "group": _key("Their learner group, such as diagnostic."),
        "stage": _key("Their stage, such as year 2."),
        "hei": _key("The HEI that sends them."),
        "mode": Said("How they travel.", {"enum": list(problems.MODES)}),
        "employer": _key("The key of the trust that employs them; null: none."),
        "released": Said("True: the employer lets them go to any trust."),
        "excluded_sites": _keys("Sites they must not be sent to."),
        "preferences": _keys("Site keys, first choice first."),
        "travel_limit_minutes": Said(
            "Their own limit one way; it can only shorten the policy's.", limits(0, DAY)
        ),
        "access_needs": _keys("What a site must have for them."),
        "accommodation": Said("True: would take a bed at a site beyond the travel limit."),
        "attended": Said("The sites of earlier placements, one entry each.", TEXT),
        "past_minutes": Said("The mean journey of earlier placements, minutes one way.", limits(0, DAY)),
        "site_repeats": Said(
            "The most placements at one site, earlier ones counted; null: no limit.", limits(0, MOST_REPEATS)
        ),
        "different_sites": Said(
            "The least number of different sites by the end of the round, earlier ones counted; "
            "null: no limit.",
            limits(0, MOST_REPEATS),
        ),
        "hub": _key("The key of the trust they should stay with; null: none."),
    },
    "Rotation": {
        "key": _key("Its key, used by no other rotation."),
        "learner": _key("The key of the learner."),
        "blocks": _keys("The names of its blocks.", minItems=1),
        "weeks": Said(
            "The weeks of each block: rising positions in the problem's weeks.", _WEEK_INDEX, {"minItems": 1}
        ),
    },
    "Requirement": {
        "key": _key("Its key, used by no other requirement."),
        "learner": _key("The key of the learner."),
        "block": Said("The block; empty where a rotation has it.", {"maxLength": 200}),
        "modalities": _keys("The modalities of which any will do.", minItems=1),
        "weeks": Said(
            "Rising positions in the problem's weeks; empty where a rotation has them.",
            _WEEK_INDEX,
            {**_BY_WEEK, **_SET},
        ),
        "weight": Said("The supervising WTE that it takes.", limits(0, 100)),
        "priority": Said("1 is placed before 2, and so on.", limits(1, 9)),
        "rotation": _key("The key of the rotation whose blocks it may take; null: it has weeks of its own."),
    },
    "Companions": {
        "key": _key("Its key, used by no other companions."),
        "kind": Said(
            "Whether they go to one site or to different ones.", {"enum": list(problems.COMPANION_KINDS)}
        ),
        "learners": _keys("The keys of the learners.", minItems=2),
    },
    "Agreement": {
        "key": _key("Its key, used by no other agreement."),
        "hei": _key("The HEI."),
        "trust": _key("The key of the trust."),
        "least": Said("The least placings in the round (an aim, not a limit).", limits(0, MOST_PLACES)),
        "most": Said("The most placings in the round; null: no limit.", limits(0, MOST_PLACES)),
        "groups": _keys("The learner groups it is for; none named: all."),
        "stages": _keys("The stages it is for; none named: all."),
    },
    "Placing": {
        "requirement": _key("The key of the requirement."),
        "offer": _key("The key of the offer where it was placed."),
        "block": _key("The block that a floating requirement took; null: it has weeks of its own."),
    },
    "Lock": {
        "requirement": _key("The key of the requirement."),
        "site_or_department": _key("The key of a site or a department."),
        "kind": Said("pin: only there; ban: not there.", {"enum": list(problems.LOCK_KINDS)}),
    },
    "Policy": {
        **{
            name: Said(f"True: the rule is obeyed: {words}.")
            for name, words in (
                ("modality_fit", "a department of a modality asked for"),
                ("group_fit", "an offer made to the learner's group and stage"),
                ("exclusion", "not a site that the learner must avoid"),
                ("employer", "an employed learner stays with the trust unless released"),
                ("locks", "pins and bans by hand"),
                ("offer_weeks", "a place in every week of the requirement"),
                ("places", "no more learners at once than places"),
                ("one_place_a_week", "one placing a week for each learner"),
                ("access", "a site that meets the learner's access needs"),
                ("accommodation", "beyond the travel limit only with a bed (false: never beyond it)"),
                ("site_repeats", "no more placings at one site than the learner's limit"),
                ("different_sites", "as many different sites as the learner's programme asks for"),
                ("rotation", "each block of a rotation once"),
                ("companions", "together at one site, apart at different ones"),
                ("agreements", "no more than an HEI and a trust agreed, as few below the least as can be"),
            )
        },
        "travel_limit": Said(
            "The most minutes one way, by mode.",
            {},
            {
                "properties": {mode: {"type": "integer", **limits(0, DAY)} for mode in problems.MODES},
                "required": list(problems.MODES),
                "additionalProperties": False,
            },
        ),
        "supervision": Said(
            "The most supervisor load (weight supervised a WTE) in a department and week; "
            "null: WTE is left out.",
            limits(0, 10),
        ),
        "travel": _steps(
            "Travel's price: [from minutes, points a further minute], rising; the first from 0.", DAY
        ),
        "preference_step": Said("Points a rank below first choice.", limits(0, policies.MOST_PRICE)),
        "preference_unranked": Said(
            "Points of a site not on the learner's list.", limits(0, policies.MOST_PRICE)
        ),
        "above_preferred": Said(
            "Points a week of an offer's last place above preferred; the k-th of n costs k/n of it.",
            limits(0, policies.MOST_PRICE),
        ),
        "supervisor_load": _steps(
            "Load's price: [from percent of WTE, points a WTE and week above it], added up.", 1_000
        ),
        "tiers": Said(
            "The aims after placing, most important first; in each tier the weight of each aim. An aim is in "
            "one tier only.",
            limits(1, policies.MOST_TIER_WEIGHT),
            {"minItems": 1},
        ),
        "seed": Said("The draw that settles ties.", limits(0, 2**63 - 1)),
    },
    "Result": {
        "status": Said("What is proven.", {"enum": list(results.STATUSES)}),
        "assignment": Said("The offer's key by requirement's key; one that is absent is unplaced."),
        "unplaced": Said("Why each unplaced requirement is, by its key."),
        "tiers": Said("What the answer reaches and what is proven, most important first."),
        "duals": Said("What one more place under a full cap is worth."),
        "objective": Said("The sum of the tiers of aims, in thousandths of a point."),
        "costs": Said("Each aim in thousandths of a point, unweighted."),
        "paths": Said("How many independent parts were solved in each way."),
        "seed": Said("The seed of the policy."),
        "seconds": Said("How long the solve took."),
        "stages": Said("Its steps."),
        "blocks": Said("The block that each placed floating requirement takes."),
        "shares": Said("How the educators' time is split."),
        "conflicts": Said("Locks that cannot all hold."),
    },
    "FullCap": {
        "level": Said("Whose limit: offer, department, site or trust."),
        "key": Said("Its key."),
        "week": Said("The tightest week, an ISO Monday."),
        "places": Said("The learners that it can hold in that week."),
        "rule": Said("The rule it belongs to: places or supervision."),
    },
    "Reason": {
        "kind": Said("rules: every site is refused; shortage: more compete for the places than there are."),
        "rules": Said("The rule that refuses each site of a right modality."),
        "departments": Said("The departments competed for."),
        "competing": Said("The requirements that compete."),
        "caps": Said("The full limits."),
        "proven": Said("True: counting shows it; false: so it is in the best answer found."),
    },
    "Tier": {
        "name": Said("The aim."),
        "value": Said("The value reached."),
        "bound": Said("The bound proven: no answer can be lower."),
        "gap": Said("The part of the value that is not proven."),
    },
    "Price": {
        "level": Said("Whose place: offer, department, site or trust."),
        "key": Said("Its key."),
        "week": Said("The first of its weeks."),
        "weeks": Said("The weeks in which the place is needed, ISO Mondays."),
        "rule": Said("The rule it belongs to: places or supervision."),
        "places": Said("The places there are."),
        "placed": Said("How many more requirements one more place would place."),
        "points": Said("The points that it would save; below 0 where placing one more costs points."),
    },
    "Share": {
        "educator": Said("The educator's key."),
        "department": Said("The department's key."),
        "week": Said("An ISO Monday."),
        "wte": Said("The WTE given."),
    },
    "Conflict": {
        "locks": Said("The locks: with any one set aside the others can hold."),
        "rules": Said("The rules that stand in the way."),
        "pinned": Said("The requirements that they leave without a place."),
    },
    "Stage": {
        "name": Said("The step."),
        "seconds": Said("How long it took."),
    },
}
