"""The rules, in the order in which a refusal is put down to one of them: what the learner is for comes
before what they may do, what they may do before what is offered."""

from __future__ import annotations

from collections.abc import Callable

from matching.rules import (
    access,
    accommodation,
    agreements,
    companions,
    different_sites,
    employer,
    exclusion,
    group_fit,
    locks,
    modality_fit,
    offer_weeks,
    one_place_a_week,
    places,
    rotation,
    site_repeats,
    supervision,
    travel_limit,
)
from matching.rules.pairs import Bools, Pairs

Forbids = Callable[[Pairs], Bools]

# Those that depend on the learner's group and stage and the requirement's modalities only.
CLASS_RULES: tuple[tuple[str, Forbids], ...] = (
    (modality_fit.NAME, modality_fit.forbids),
    (group_fit.NAME, group_fit.forbids),
)
PAIR_RULES: tuple[tuple[str, Forbids], ...] = (
    (exclusion.NAME, exclusion.forbids),
    (access.NAME, access.forbids),
    (employer.NAME, employer.forbids),
    (locks.NAME, locks.forbids),
    (travel_limit.NAME, travel_limit.forbids),
    (offer_weeks.NAME, offer_weeks.forbids),
    (supervision.NAME, supervision.forbids),
)

RULES: dict[str, str] = {
    rule.NAME: rule.WORDS
    for rule in (
        modality_fit,
        group_fit,
        exclusion,
        access,
        employer,
        locks,
        travel_limit,
        offer_weeks,
        supervision,
        places,
        one_place_a_week,
        accommodation,
        rotation,
        site_repeats,
        different_sites,
        companions,
        agreements,
    )
}
