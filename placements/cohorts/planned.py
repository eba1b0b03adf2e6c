"""Which of a plan's lines are asked of a learner: one rule for files, for learners added by hand and for
plans that change."""

from collections.abc import Iterable
from datetime import date

from placements.rounds.models import Block


def is_asked(blocks: Iterable[Block], available_from: date | None) -> bool:
    """Whether a plan line that may be in any of these blocks is asked of a learner who comes on a day:
    one of them begins on that day or later."""
    return available_from is None or any(block.first_week >= available_from for block in blocks)
