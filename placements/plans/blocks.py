"""What can be done with the blocks of a round, where an HEI's calendar needs others than there are."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Role, Viewer
from placements.clock import today
from placements.cohorts.changing import note_change
from placements.cohorts.models import Cohort, Learner
from placements.errors import NotFound, Refused, Stale
from placements.plans.aligning import align_line, touch
from placements.plans.content import wrong_content
from placements.plans.queries import modalities, standing_plan, use_of_block
from placements.rounds.models import Block, PlanLine, Round
from placements.rounds.queries import plan, round_by_id
from placements.rounds.service import MOST_WEEKS, NewBlock, wrong_weeks
from placements.transaction import CHANGED_MEANWHILE, transaction, violates

LONGEST_NAME = 100


@dataclass(frozen=True)
class BlockDetails:
    """A block's own name, its first Monday and its whole weeks."""

    name: str
    first_week: date
    weeks: int


def block_by_id(session: Session, viewer: Viewer, round_id: int, block_id: int) -> Block:
    """A block of a round that the person may see; raises NotFound otherwise."""
    round_ = round_by_id(session, viewer, round_id)
    for block in round_.blocks:
        if block.id == block_id:
            return block
    raise NotFound("This round has no such block.")


def create_block(viewer: Viewer, round_id: int, details: BlockDetails) -> Block:
    """Add a block to a round; one that is there with the same name and weeks is that block.

    Raises Refused naming each wrong field: the block lies within the round's weeks, its name is not in use.
    """
    try:
        with transaction(viewer, Action.CREATE_BLOCK) as tx:
            round_ = round_by_id(tx.session, viewer, round_id)
            for there in round_.blocks:
                if _details(there) == _tidied(details):
                    tx.note(there, repeated=True)
                    return there
            _require_right(round_, details)
            if details.first_week <= today() and round_.state == "published":
                words = "This week has begun already: after publication a block begins in a later week"
                raise Refused(f"{words}.", {"first_week": words})
            details = _tidied(details)
            block = Block(round=round_, name=details.name, first_week=details.first_week, weeks=details.weeks)
            tx.session.add(block)
            tx.note(block, round_id=round_id, **_plain(details))
    except IntegrityError as error:
        raise _refusal(error) from None
    return block


def change_block(
    viewer: Viewer, round_id: int, block_id: int, details: BlockDetails, *, version: int
) -> Block:
    """Give a block another name, first week or length, where nobody's place depends on it (`why_fixed`).

    The own plans that ask for it follow. Raises Refused naming each wrong field, and Stale where the block is
    not as it was read.
    """
    try:
        with transaction(viewer, Action.CHANGE_BLOCK) as tx:
            block = block_by_id(tx.session, viewer, round_id, block_id)
            if _details(block) == _tidied(details):
                tx.note(block, repeated=True)
                return block
            if block.version != version:
                raise Stale(CHANGED_MEANWHILE)
            if words := why_fixed(tx.session, viewer, block):
                raise Refused(words)
            _require_right(block.round, details, block)
            lines = _lines_in(tx.session, block)
            _require_fitting(block, details, lines)
            details = _tidied(details)
            block.name, block.first_week, block.weeks = details.name, details.first_week, details.weeks
            tx.note(block, round_id=round_id, **_plain(details))
            _require_apart(tx.session, block, lines)
            moved = {learner for line in lines for learner in align_line(tx.session, line)}
            touch(tx.session, moved)
            tx.session.expire_all()
            for cohort in tx.session.scalars(
                select(Cohort).where(Cohort.id.in_(select(Learner.cohort_id).where(Learner.id.in_(moved))))
            ):
                note_change(cohort)
    except IntegrityError as error:
        raise _refusal(error) from None
    return block


def remove_block(viewer: Viewer, round_id: int, block_id: int, *, version: int) -> str:
    """Take a block out of its round, where no plan asks for it and nobody's place depends on it; returns its
    name. Raises Refused saying who needs it, and Stale where it is not as it was read."""
    try:
        with transaction(viewer, Action.REMOVE_BLOCK) as tx:
            block = block_by_id(tx.session, viewer, round_id, block_id)
            if block.version != version:
                raise Stale(CHANGED_MEANWHILE)
            if words := why_fixed(tx.session, viewer, block):
                raise Refused(words)
            asking = _lines_in(tx.session, block)
            if asking:
                named = "; ".join(sorted({f"{line.programme.name}, {line.stage.name}" for line in asking}))
                raise Refused(f"{block.name} stands in plans ({named}). Take it out of them first.")
            if len(block.round.blocks) == 1:
                raise Refused("A round has at least one block, and this is its only one.")
            name = block.name
            tx.note(block, round_id=round_id, **_plain(_details(block)))
            tx.session.delete(block)
            tx.session.flush()
    except IntegrityError:
        raise Refused("An earlier run placed learners in this block, so it is kept for the record.") from None
    return name


def why_fixed(session: Session, viewer: Viewer, block: Block) -> str | None:
    """Why the person may not change or remove a block, in words; None where they may."""
    if block.round.state == "published":
        return (
            f"{block.round.name} is published: its blocks stay as they are. Add a block of its own instead."
        )
    use = use_of_block(session, block)
    others = [name for hei_id, name in use.heis.items() if hei_id != viewer.hei_id]
    if others and viewer.role is Role.PLACEMENT_OFFICER:
        return (
            f"{block.name} stands in plans of {' and '.join(others)}, so it stays as it is. Add a block of"
            " your own instead."
        )
    if use.learners:
        who = "1 learner needs" if use.learners == 1 else f"{use.learners:,} learners need"
        return f"{who} a place in {block.name}, so it stays as it is. Take it out of the plan first."
    return None


def _lines_in(session: Session, block: Block) -> list[PlanLine]:
    return [line for line in plan(session, block.round_id) if block in line.possible_blocks]


def _require_fitting(block: Block, details: BlockDetails, lines: list[PlanLine]) -> None:
    """A line that takes some weeks of the block still has them."""
    for line in lines:
        if line.block_id == block.id and line.weeks_in + (line.weeks or 1) > details.weeks:
            words = (
                f"{line.programme.name}, {line.stage.name} asks for week"
                f" {line.weeks_in + (line.weeks or 1)} of this block: keep at least as many weeks, or change"
                " the plan first"
            )
            raise Refused(f"{words}.", {"weeks": words})


def _require_apart(session: Session, block: Block, lines: list[PlanLine]) -> None:
    """The plans that ask for the block, which has moved, ask for no two places in the same week."""
    keys = {row.key for row in modalities(session)}
    for programme_id, stage_id in {(line.programme_id, line.stage_id) for line in lines}:
        content = standing_plan(session, block.round_id, programme_id, stage_id).content
        for words in wrong_content(content, block.round.blocks, keys).values():
            raise Refused(f"{words}.", {"first_week": words})


def _require_right(round_: Round, details: BlockDetails, block: Block | None = None) -> None:
    wrong: dict[str, str] = {}
    details = _tidied(details)
    if not 1 <= len(details.name) <= LONGEST_NAME:
        wrong["name"] = f"Give the block a name of at most {LONGEST_NAME} characters"
    elif any(
        other.name.casefold() == details.name.casefold() for other in round_.blocks if other is not block
    ):
        wrong["name"] = f"This round has a block called {details.name}: use another name"
    new = NewBlock(details.name or "The block", details.first_week, details.weeks)
    if words := wrong_weeks(round_.first_week, round_.last_week, new):
        span = f". The round goes from {_day(round_.first_week)} to {_day(round_.last_week)}"
        is_of_weeks = not 1 <= details.weeks <= MOST_WEEKS
        wrong["weeks" if is_of_weeks else "first_week"] = words if is_of_weeks else f"{words}{span}"
    if wrong:
        raise Refused("The block was not saved: " + "; ".join(wrong.values()) + ".", wrong)


def _refusal(error: IntegrityError) -> Exception:
    if violates(error, "uq_block_round_id_name", "block.round_id, block.name"):
        words = "This round has a block of this name: use another name"
        return Refused(f"{words}.", {"name": words})
    return error


def _tidied(details: BlockDetails) -> BlockDetails:
    return BlockDetails(" ".join(details.name.split()), details.first_week, details.weeks)


def _details(block: Block) -> BlockDetails:
    return BlockDetails(block.name, block.first_week, block.weeks)


def _plain(details: BlockDetails) -> dict[str, object]:
    return {"name": details.name, "first_week": str(details.first_week), "weeks": details.weeks}


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
