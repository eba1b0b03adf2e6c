"""A plan against the one that stands: which lines come, go and change, and what that gives each learner and
takes away. The page shows these changes before they are saved, and saving does the same ones."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from placements.clock import now_utc
from placements.cohorts.demand import is_there
from placements.cohorts.models import Cohort, Interruption, Learner, Requirement
from placements.cohorts.planned import is_asked
from placements.plans.content import PlanContent, PlannedPlace, PlannedRotation
from placements.plans.queries import Standing, cohorts_of
from placements.rounds.models import Block, PlanLine, Rotation, Round


@dataclass(frozen=True)
class LineChange:
    """A plan line that comes (`line` None), goes (`place` None) or changes, with the learners (ids) who get
    or lose a place by it, and those who are to have another place than before. `field` is where it stands in
    the form; `rotation` the position of its rotation among the plan's."""

    when: str
    field: str
    line: PlanLine | None
    place: PlannedPlace | None
    block: Block | None
    rotation: int | None
    gaining: tuple[int, ...] = ()
    losing: tuple[int, ...] = ()
    changing: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlanChanges:
    """All that saving a plan changes. `away`: learners (ids) who get a requirement and are not there for it,
    whom the words leave out."""

    lines: tuple[LineChange, ...]
    matched: tuple[Rotation | None, ...]
    dropped: tuple[Rotation, ...]
    changes_rotations: bool
    changes_variety: bool
    to_draft: tuple[Cohort, ...]
    cohorts: tuple[Cohort, ...]
    away: frozenset[tuple[int, str]]

    @property
    def is_nothing(self) -> bool:
        return not (self.lines or self.changes_rotations or self.changes_variety or self.dropped)

    @property
    def adds_only(self) -> bool:
        """Whether it takes and changes nothing that stood before."""
        return not (
            self.changes_rotations
            or self.changes_variety
            or self.dropped
            or any(change.line is not None for change in self.lines)
        )

    @property
    def words_needed(self) -> bool:
        """Whether somebody should read what it does before it is done."""
        return bool(self.to_draft) or any(
            change.gaining or change.losing or change.changing for change in self.lines
        )

    def counts(self) -> list[tuple[str, int, int, int]]:
        """By line: when it is, and how many learners get a place, lose one, or need another."""
        return [
            (
                change.when,
                sum((learner, change.when) not in self.away for learner in change.gaining),
                len(change.losing),
                len(change.changing),
            )
            for change in self.lines
        ]

    @property
    def learners(self) -> set[int]:
        """Everybody for whom something changes."""
        return {
            learner
            for change in self.lines
            for learner in (*change.gaining, *change.losing, *change.changing)
        }

    @property
    def digest(self) -> str:
        """Stands for all of it: what was shown is what is saved where it is the same."""
        told = [
            (change.field, change.line and change.line.id, change.place, change.gaining, change.losing)
            for change in self.lines
        ]
        drafts = [cohort.id for cohort in self.to_draft]
        return sha256(repr((told, self.changes_variety, drafts)).encode()).hexdigest()[:16]


def compare(
    session: Session,
    round_: Round,
    programme_id: int,
    stage_id: int,
    standing: Standing,
    content: PlanContent,
) -> PlanChanges:
    """What saving `content` changes of the plan that stands, without changing it."""
    people = _People(session, round_.id, programme_id, stage_id)
    blocks = {block.id: block for block in round_.blocks}
    matched = _matched(standing.rotations, content.rotations)
    lines = [
        *_of_blocks(standing, content, blocks, people),
        *_of_rotations(standing, content, matched, blocks, people),
    ]
    kept = {row.id for row in matched if row is not None}
    dropped = tuple(row for row in standing.rotations if row.id not in kept)
    changes_rotations = any(
        row is not None and (row.name != new.name or {block.id for block in row.blocks} != set(new.blocks))
        for row, new in zip(matched, content.rotations, strict=True)
    )
    before = standing.content
    changes_variety = (before.different_sites, before.site_repeats) != (
        content.different_sites,
        content.site_repeats,
    )
    cohorts = cohorts_of(session, round_.id, programme_id, stage_id)
    changes_anything = bool(lines or dropped or changes_rotations or changes_variety)
    goes_back = changes_anything and round_.state == "open"
    return PlanChanges(
        lines=tuple(lines),
        matched=tuple(matched),
        dropped=dropped,
        changes_rotations=changes_rotations,
        changes_variety=changes_variety,
        to_draft=tuple(row for row in cohorts if row.state == "submitted") if goes_back else (),
        cohorts=tuple(cohorts) if changes_anything else (),
        away=frozenset(
            (learner, change.when)
            for change in lines
            for learner in change.gaining
            if not people.is_there(learner, change, content, blocks)
        ),
    )


def align_line(session: Session, line: PlanLine) -> set[int]:
    """Give and take requirements after a line's block or rotation has moved; returns the learners (ids) for
    whom that changed something."""
    round_id = session.scalar(
        select(Block.round_id).where(Block.id.in_([block.id for block in line.possible_blocks]))
    )
    people = _People(session, round_id or 0, line.programme_id, line.stage_id)
    gaining, losing = people.moved(line.id, line.possible_blocks, line.block_id)
    take_requirements(session, line.id, losing)
    give_requirements(session, line, gaining)
    return {*gaining, *losing}


def give_requirements(session: Session, line: PlanLine, learners: Collection[int]) -> None:
    """Learners (ids) need a place by the line, which has been flushed."""
    if learners:
        session.execute(
            insert(Requirement),
            [
                {"learner_id": learner, "block_id": line.block_id, "plan_line_id": line.id}
                for learner in sorted(learners)
            ],
        )


def take_requirements(session: Session, line_id: int, learners: Collection[int] | None = None) -> None:
    """Learners (ids; None: all, exempt ones too) no longer need a place by the line."""
    which = delete(Requirement).where(Requirement.plan_line_id == line_id)
    if learners is not None:
        which = which.where(Requirement.learner_id.in_(learners), Requirement.state == "needed")
    session.execute(which.execution_options(synchronize_session=False))


def touch(session: Session, learners: Collection[int]) -> None:
    """What the match goes by has changed for these learners (ids)."""
    session.execute(
        update(Learner)
        .where(Learner.id.in_(learners))
        .values(changed_utc=now_utc(), version=Learner.version + 1)
        .execution_options(synchronize_session=False)
    )


class _People:
    """The learners of a programme and stage in a round, when they are there, and what they need by now."""

    def __init__(self, session: Session, round_id: int, programme_id: int, stage_id: int) -> None:
        which = (
            (Cohort.round_id == round_id)
            & (Cohort.programme_id == programme_id)
            & (Cohort.stage_id == stage_id)
        )
        self.dates: dict[int, tuple[date | None, date | None]] = {
            learner: (starts, ends)
            for learner, starts, ends in session.execute(
                select(Learner.id, Learner.available_from, Learner.available_until)
                .join(Learner.cohort)
                .where(which)
                .order_by(Learner.id)
            )
        }
        self.interruptions: dict[int, list[Interruption]] = defaultdict(list)
        for row in session.scalars(
            select(Interruption).join(Interruption.learner).join(Learner.cohort).where(which)
        ):
            self.interruptions[row.learner_id].append(row)
        # By plan line: everybody who has it, and those of them who are not exempt.
        self.having: dict[int, set[int]] = defaultdict(set)
        self.needing: dict[int, set[int]] = defaultdict(set)
        # Blocks in which a learner has a requirement of their own, which stays whatever the plan asks.
        self.own: dict[int, set[int]] = defaultdict(set)
        for learner, line_id, block_id, state in session.execute(
            select(Requirement.learner_id, Requirement.plan_line_id, Requirement.block_id, Requirement.state)
            .join(Requirement.learner)
            .join(Learner.cohort)
            .where(which)
        ):
            if line_id is None:
                self.own[block_id or 0].add(learner)
                continue
            self.having[line_id].add(learner)
            if state == "needed":
                self.needing[line_id].add(learner)

    def asked(self, blocks: Sequence[Block], block_id: int | None) -> set[int]:
        """Of whom a line in these blocks is asked."""
        own = self.own[block_id] if block_id is not None else set[int]()
        return {
            learner
            for learner, (starts, _) in self.dates.items()
            if learner not in own and is_asked(blocks, starts)
        }

    def moved(
        self, line_id: int, blocks: Sequence[Block], block_id: int | None
    ) -> tuple[list[int], list[int]]:
        """Who gets and who loses a place where a line is now in these blocks."""
        asked = self.asked(blocks, block_id)
        return sorted(asked - self.having[line_id]), sorted(self.needing[line_id] - asked)

    def is_there(
        self, learner: int, change: LineChange, content: PlanContent, blocks: dict[int, Block]
    ) -> bool:
        """Whether the learner is there in the weeks of a line that comes."""
        if change.block is not None and change.place is not None:
            weeks = [change.place.mondays(change.block)]
        elif change.rotation is not None:
            weeks = [blocks[block].mondays() for block in content.rotations[change.rotation].blocks]
        else:
            return True
        away = self.interruptions.get(learner, [])
        return any(is_there(mondays, *self.dates[learner], away) for mondays in weeks)


def _of_blocks(
    standing: Standing, content: PlanContent, blocks: dict[int, Block], people: _People
) -> Iterable[LineChange]:
    before = {line.block_id: line for line in standing.lines if line.block_id is not None}
    stood = dict(standing.content.blocks)
    wanted = dict(content.blocks)
    for block_id in sorted({*before, *wanted}, key=lambda key: (blocks[key].first_week, key)):
        block, line, place = blocks[block_id], before.get(block_id), wanted.get(block_id)
        gaining: Collection[int] = ()
        losing: Collection[int] = ()
        changing: Collection[int] = ()
        if line is None:
            gaining = people.asked([block], block_id)
        elif place is None:
            losing = people.needing[line.id]
        elif place != stood[block_id]:
            changing = people.needing[line.id]
        else:
            continue
        yield LineChange(
            block.name,
            f"block-{block_id}-modalities",
            line,
            place,
            block,
            None,
            tuple(sorted(gaining)),
            tuple(sorted(losing)),
            tuple(sorted(changing)),
        )


def _of_rotations(
    standing: Standing,
    content: PlanContent,
    matched: Sequence[Rotation | None],
    blocks: dict[int, Block],
    people: _People,
) -> Iterable[LineChange]:
    stood = {rotation.rotation_id: rotation for rotation in standing.content.rotations}
    left = {line.id: line for line in standing.lines if line.rotation_id is not None}
    for index, (row, rotation) in enumerate(zip(matched, content.rotations, strict=True)):
        old = stood[row.id] if row is not None else None
        over = [blocks[block_id] for block_id in rotation.blocks]
        moves = old is not None and old.blocks != tuple(sorted(rotation.blocks))
        paired = _paired(rotation, old, left)
        for number, place in enumerate(rotation.places):
            line, before = paired[number]
            when = f"{rotation.name}, placement {number + 1}"
            where = f"rotation-{index}-place-{number}-modalities"
            if line is None:
                gaining = tuple(sorted(people.asked(over, None)))
                yield LineChange(when, where, None, place, None, index, gaining)
            elif moves or place != before:
                came, went = people.moved(line.id, over, None) if moves else ([], [])
                changing = tuple(sorted(people.needing[line.id] - set(went)))
                yield LineChange(when, where, line, place, None, index, tuple(came), tuple(went), changing)
    for line in left.values():
        losing = tuple(sorted(people.needing[line.id]))
        yield LineChange(line.when, "different_sites", line, None, None, None, losing=losing)


def _paired(
    rotation: PlannedRotation, old: PlannedRotation | None, left: dict[int, PlanLine]
) -> list[tuple[PlanLine | None, PlannedPlace | None]]:
    """The line that each place of a rotation is by now: the one that it names, otherwise one of the same
    rotation that asks the same. Lines found are taken out of `left`."""
    there = list(old.places) if old is not None else []
    found: list[tuple[PlanLine | None, PlannedPlace | None]] = []
    named = {place.line_id for place in rotation.places}
    for place in rotation.places:
        match = next((one for one in there if one.line_id == place.line_id), None)
        if match is None:
            match = next((one for one in there if one == place and one.line_id not in named), None)
        if match is not None:
            there = [one for one in there if one is not match]
        line = left.pop(match.line_id or 0, None) if match is not None else None
        found.append((line, match))
    return found


def _matched(rows: Sequence[Rotation], rotations: Sequence[PlannedRotation]) -> list[Rotation | None]:
    """The row that each rotation is by now: the one that it names, otherwise one of its name."""
    left = {row.id: row for row in rows}
    found: list[Rotation | None] = [left.pop(rotation.rotation_id or 0, None) for rotation in rotations]
    for index, rotation in enumerate(rotations):
        if found[index] is None:
            same = next(
                (row for row in left.values() if row.name.casefold() == rotation.name.casefold()), None
            )
            found[index] = left.pop(same.id) if same is not None else None
    return found
