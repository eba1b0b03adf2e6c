"""What the demo's stages ask of a round, from its settings."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from placements.extensions import db
from placements.organisations.models import Programme, Stage
from placements.rounds.models import EVERY_WEEKDAY
from placements.rounds.service import NewPlanLine, NewRotation, NewVariety


def plan_of_block(settings: dict[str, Any], block: str) -> Iterator[NewPlanLine]:
    """Who needs what in a block: modalities alone, or a table with the days of the week too."""
    for programme, stage in _stages(settings):
        asked = settings["plan"][programme.learner_group.key][stage.key].get(block)
        if asked is not None:
            yield NewPlanLine(
                programme.id,
                stage.id,
                _modalities(asked),
                weekdays=asked["weekdays"] if isinstance(asked, dict) else EVERY_WEEKDAY,
            )


def new_rotations(settings: dict[str, Any]) -> Iterator[NewRotation]:
    """The placements that float, of each programme that has them."""
    for programme, stage in _stages(settings):
        for row in _of(settings["rotations"], programme, stage):
            yield NewRotation(
                row["name"],
                programme.id,
                stage.id,
                tuple(row["blocks"]),
                tuple(NewPlanLine(programme.id, stage.id, tuple(keys)) for keys in row["placements"]),
            )


def new_variety(settings: dict[str, Any]) -> Iterator[NewVariety]:
    """How varied the placements of some stages are to be."""
    for programme, stage in _stages(settings):
        for row in _of(settings["variety"], programme, stage):
            yield NewVariety(programme.id, stage.id, row.get("different_sites"), row.get("site_repeats"))


def modalities_of(settings: dict[str, Any], group: str, stage: str) -> set[str]:
    """The keys of all modalities that a stage may need."""
    found = {key for asked in settings["plan"][group][stage].values() for key in _modalities(asked)}
    for row in settings["rotations"]:
        if (row["group"], row["stage"]) == (group, stage):
            found |= {key for keys in row["placements"] for key in keys}
    return found


def stage_of(programme: Programme, key: str) -> Stage:
    """A stage of a programme's learner group."""
    return db.session.scalars(
        select(Stage).filter_by(learner_group_id=programme.learner_group_id, key=key)
    ).one()


def _stages(settings: dict[str, Any]) -> Iterator[tuple[Programme, Stage]]:
    """Each programme and stage that has learners in the demo."""
    programmes = {
        (programme.hei.name, programme.name): programme
        for programme in db.session.scalars(
            select(Programme).options(joinedload(Programme.hei), joinedload(Programme.learner_group))
        )
    }
    for cohort in settings["cohorts"]:
        programme = programmes[cohort["hei"], cohort["programme"]]
        for key in cohort["learners"]:
            yield programme, stage_of(programme, key)


def _of(rows: list[dict[str, Any]], programme: Programme, stage: Stage) -> list[dict[str, Any]]:
    return [row for row in rows if (row["group"], row["stage"]) == (programme.learner_group.key, stage.key)]


def _modalities(asked: Any) -> tuple[str, ...]:
    return tuple(asked["any"] if isinstance(asked, dict) else asked)
