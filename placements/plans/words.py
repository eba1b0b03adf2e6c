"""Plans in words, as the grid and the comparison of two versions say them."""

from collections.abc import Mapping, Sequence

from placements.plans.content import PlanContent, PlannedPlace, PlannedRotation
from placements.rounds.models import EVERY_WEEKDAY, Block
from placements.web.formats import count, weekdays

NOT_ASKED = "No placement"


def place_words(place: PlannedPlace, names: Mapping[str, str], block: Block | None = None) -> str:
    """X-ray or CT, weeks 2 to 3, Monday to Wednesday. `names` are the modalities' by key, in order; `block`
    is the place's own, for its weeks."""
    words = " or ".join(name for key, name in names.items() if key in place.modalities)
    if block is not None and (weeks := weeks_words(place, block)):
        words += f", {weeks}"
    if place.weekdays != EVERY_WEEKDAY:
        words += f", {weekdays(place.weekdays)}"
    return words


def weeks_words(place: PlannedPlace, block: Block) -> str:
    """Which weeks of a block a place takes, where it does not take them all: weeks 2 to 3, week 4."""
    taken = len(place.mondays(block))
    if taken in (0, block.weeks):
        return ""
    first, last = place.weeks_in + 1, place.weeks_in + taken
    return f"week {first} of {block.weeks}" if taken == 1 else f"weeks {first} to {last} of {block.weeks}"


def rotation_words(rotation: PlannedRotation, names: Mapping[str, str], blocks: Mapping[int, Block]) -> str:
    """4 placements over Block 1, Block 2 and Block 3 in any order: X-ray; MRI; CT or PET-CT"""
    over = [block.name for key, block in blocks.items() if key in rotation.blocks]
    where = f"{', '.join(over[:-1])} and {over[-1]}" if len(over) > 1 else "".join(over)
    asked = "; ".join(place_words(place, names) for place in rotation.places)
    return f"{count(len(rotation.places), 'placement')} over {where} in any order: {asked}"


def variety_words(content: PlanContent) -> str:
    """At least 2 different sites, at most 1 placement at one site; "" where nothing is asked."""
    parts = []
    if content.different_sites is not None:
        parts.append(f"at least {count(content.different_sites, 'different site')}")
    if content.site_repeats is not None:
        parts.append(f"at most {count(content.site_repeats, 'placement')} at one site")
    return ", ".join(parts).capitalize()


def plan_words(content: PlanContent, blocks: Sequence[Block], names: Mapping[str, str]) -> dict[str, str]:
    """Each part of a plan to what it asks: blocks by name, rotations by name, and variety."""
    asked = dict(content.blocks)
    by_id = {block.id: block for block in blocks}
    found = {
        block.name: place_words(asked[block.id], names, block) if block.id in asked else NOT_ASKED
        for block in blocks
    }
    for rotation in content.rotations:
        found[f"Rotation {rotation.name}"] = rotation_words(rotation, names, by_id)
    found["Variety"] = variety_words(content) or "Any sites"
    return found


def differences(
    theirs: PlanContent, typed: PlanContent, blocks: Sequence[Block], names: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Where two plans differ: which part, and both in words."""
    one, other = plan_words(theirs, blocks, names), plan_words(typed, blocks, names)
    return [
        (part, one.get(part, "None"), other.get(part, "None"))
        for part in dict.fromkeys([*one, *other])
        if one.get(part) != other.get(part)
    ]
