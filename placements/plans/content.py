"""What a programme and stage asks of a round, as plain values: what a form holds, what stands, and what is
wrong with it in words. Pure: no database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations

from placements.rounds.models import EVERY_WEEKDAY, Block, PlanLine, Rotation, StagePlan

MOST_PLACES = 12
MOST_ROTATIONS = 4
LONGEST_NAME = 100
MOST_SITES = 20


@dataclass(frozen=True)
class PlannedPlace:
    """A place of any of these modalities (by key) on these weekdays (1 is Monday), from so many whole weeks
    into a block for so many (None: to its end). `line_id` is the plan line that it is by now, if it is one;
    two places that differ in nothing else are the same."""

    modalities: tuple[str, ...]
    weekdays: str = EVERY_WEEKDAY
    weeks_in: int = 0
    weeks: int | None = None
    line_id: int | None = field(default=None, compare=False)

    def mondays(self, block: Block) -> list[date]:
        """The Mondays that it takes of a block."""
        return block.mondays()[self.weeks_in :][: self.weeks]


@dataclass(frozen=True)
class PlannedRotation:
    """Places that float over blocks (by id), each block once."""

    name: str
    blocks: tuple[int, ...]
    places: tuple[PlannedPlace, ...]
    rotation_id: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class PlanContent:
    """All that a programme and stage asks: a place in each of these blocks (by id), rotations, and how varied
    they are to be (None: not asked)."""

    blocks: tuple[tuple[int, PlannedPlace], ...] = ()
    rotations: tuple[PlannedRotation, ...] = ()
    different_sites: int | None = None
    site_repeats: int | None = None

    @property
    def places(self) -> int:
        """Places that each learner needs."""
        return len(self.blocks) + sum(len(rotation.places) for rotation in self.rotations)


def content_of(
    lines: Sequence[PlanLine], rotations: Sequence[Rotation], variety: StagePlan | None
) -> PlanContent:
    """What stands, from the rows of one programme and stage."""
    return PlanContent(
        blocks=tuple(
            sorted((line.block.id, _place(line, line.block)) for line in lines if line.block is not None)
        ),
        rotations=tuple(
            PlannedRotation(
                rotation.name,
                tuple(sorted(block.id for block in rotation.blocks)),
                tuple(_place(line) for line in lines if line.rotation_id == rotation.id),
                rotation.id,
            )
            for rotation in rotations
        ),
        different_sites=variety.different_sites if variety is not None else None,
        site_repeats=variety.site_repeats if variety is not None else None,
    )


def copied(content: PlanContent, blocks: Mapping[int, Block], into: Sequence[Block]) -> PlanContent:
    """The same plan over another round's blocks (`into`), found by their names; what has no block there is
    left out, and weeks that a shorter block lacks."""
    by_name = {block.name.casefold(): block for block in into}
    there = {
        block.id: found
        for block in blocks.values()
        if (found := by_name.get(block.name.casefold())) is not None
    }
    rotations = []
    for rotation in content.rotations:
        over = tuple(sorted(there[block_id].id for block_id in rotation.blocks if block_id in there))
        if over:
            rotations.append(
                PlannedRotation(
                    rotation.name,
                    over,
                    tuple(replace(place, line_id=None) for place in rotation.places[: len(over)]),
                )
            )
    return PlanContent(
        blocks=tuple(
            sorted(
                (there[block_id].id, replace(_fitted(place, there[block_id]), line_id=None))
                for block_id, place in content.blocks
                if block_id in there
            )
        ),
        rotations=tuple(rotations),
        different_sites=content.different_sites,
        site_repeats=content.site_repeats,
    )


def wrong_content(
    content: PlanContent, blocks: Sequence[Block], modalities: Collection[str]
) -> dict[str, str]:
    """What cannot be right, in words, by field: `block-3-modalities` is the block with id 3,
    `rotation-0-place-1-modalities` the second place of the first rotation."""
    wrong: dict[str, str] = {}
    by_id = {block.id: block for block in blocks}
    for block_id, place in content.blocks:
        name = f"block-{block_id}"
        wrong |= _wrong_place(name, place, modalities)
        block = by_id.get(block_id)
        if block is None:
            wrong[f"{name}-modalities"] = "This block is no longer part of the round: reload the page"
        elif not (0 <= place.weeks_in < block.weeks):
            wrong[f"{name}-first"] = f"{block.name} has {block.weeks} weeks: choose one of them"
        elif place.weeks is not None and not 1 <= place.weeks <= block.weeks - place.weeks_in:
            wrong[f"{name}-last"] = "The last week is before the first: choose the same week or a later one"
    if len(content.rotations) > MOST_ROTATIONS:
        wrong["rotation-0-name"] = f"A plan has at most {MOST_ROTATIONS} rotations"
    names = [rotation.name.casefold() for rotation in content.rotations]
    for index, rotation in enumerate(content.rotations):
        wrong |= _wrong_rotation(f"rotation-{index}", rotation, by_id, modalities)
        if names.index(rotation.name.casefold()) < index:
            wrong[f"rotation-{index}-name"] = f"Another rotation is called {rotation.name}: use another name"
    for name in ("different_sites", "site_repeats"):
        value = getattr(content, name)
        if value is not None and not 1 <= value <= MOST_SITES:
            wrong[name] = f"Enter a whole number from 1 to {MOST_SITES}, or nothing"
    return wrong or _overlaps(content, by_id)


def _wrong_rotation(
    name: str, rotation: PlannedRotation, blocks: Mapping[int, Block], modalities: Collection[str]
) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not 1 <= len(rotation.name) <= LONGEST_NAME:
        wrong[f"{name}-name"] = f"Give the rotation a name of at most {LONGEST_NAME} characters"
    if not rotation.places:
        wrong[f"{name}-place-0-modalities"] = "Choose a modality for at least one placement of the rotation"
    elif len(rotation.places) > MOST_PLACES:
        wrong[f"{name}-place-0-modalities"] = f"A rotation has at most {MOST_PLACES} placements"
    elif len(rotation.blocks) < len(rotation.places):
        needed = len(rotation.places)
        wrong[f"{name}-blocks"] = (
            f"Choose at least {needed} {'block' if needed == 1 else 'blocks'}: one for each placement"
        )
    if set(rotation.blocks) - blocks.keys():
        wrong[f"{name}-blocks"] = "One of these blocks is no longer part of the round: reload the page"
    for number, place in enumerate(rotation.places):
        wrong |= _wrong_place(f"{name}-place-{number}", place, modalities)
    return wrong


def _wrong_place(name: str, place: PlannedPlace, modalities: Collection[str]) -> dict[str, str]:
    wrong = {}
    if not place.modalities or set(place.modalities) - set(modalities):
        wrong[f"{name}-modalities"] = "Choose at least one modality from the list"
    if not place.weekdays or set(place.weekdays) - set(EVERY_WEEKDAY):
        wrong[f"{name}-weekdays"] = "Choose at least one day of the week"
    return wrong


def _overlaps(content: PlanContent, blocks: Mapping[int, Block]) -> dict[str, str]:
    """A learner has one placement a week, so the plan asks for no two in the same weeks."""
    wrong: dict[str, str] = {}
    for one, other in combinations(_taken(content, blocks), 2):
        if one.mondays & other.mondays:
            if one.block is other.block:
                words = f"{one.block.name} is asked for twice: a learner has one placement a week"
            else:
                words = (
                    f"{one.block.name} and {other.block.name} have weeks in common: a learner has one"
                    " placement a week, so choose weeks that only one of them has"
                )
            wrong.setdefault(other.field, words)
    return wrong


@dataclass(frozen=True)
class _Taken:
    """A block that is asked for, by the field where it is, with the Mondays that are taken of it."""

    field: str
    block: Block
    mondays: frozenset[date]


def _taken(content: PlanContent, blocks: Mapping[int, Block]) -> Iterator[_Taken]:
    for block_id, place in content.blocks:
        block = blocks[block_id]
        yield _Taken(f"block-{block_id}-modalities", block, frozenset(place.mondays(block)))
    for index, rotation in enumerate(content.rotations):
        for block_id in rotation.blocks:
            block = blocks[block_id]
            yield _Taken(f"rotation-{index}-blocks", block, frozenset(block.mondays()))


def _place(line: PlanLine, block: Block | None = None) -> PlannedPlace:
    keys = tuple(sorted(modality.key for modality in line.modalities))
    place = PlannedPlace(keys, line.weekdays, line.weeks_in, line.weeks, line.id)
    return _fitted(place, block) if block is not None else PlannedPlace(keys, line.weekdays, line_id=line.id)


def _fitted(place: PlannedPlace, block: Block) -> PlannedPlace:
    """The same place in a block that may have fewer weeks: to its end where it would go on beyond it."""
    weeks_in = min(place.weeks_in, block.weeks - 1)
    is_to_end = place.weeks is None or weeks_in + place.weeks >= block.weeks
    return replace(place, weeks_in=weeks_in, weeks=None if is_to_end else place.weeks)
