"""A department in a run: who is there, and what one more place or educator would be worth."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

import matching
from placements.access import Action, require
from placements.errors import NotFound
from placements.extensions import db
from placements.review import queries
from placements.review.blueprint import review
from placements.review.desk import desk, waited_for
from placements.review.looking import worth
from placements.review.telling import worth_words
from placements.rounds.models import Block
from placements.scenarios import queries as scenarios
from placements.scenarios.models import Run
from placements.scenarios.results import load_by_department
from placements.web import viewer


@dataclass(frozen=True)
class WorthRow:
    """What one more of something is worth in the weeks of some blocks."""

    what: str
    when: str
    words: str
    is_proven: bool


@review.get("/runs/<int:run_id>/departments/<int:department_id>")
@login_required
def see_department(run_id: int, department_id: int) -> ResponseReturnValue:
    """One department in a run."""
    require(viewer(), Action.SEE_RUNS)
    run = scenarios.run_by_id(db.session, viewer(), run_id)
    rows = load_by_department(db.session, run) if run.state == "finished" else []
    load = next((row for row in rows if row.department and row.department.id == department_id), None)
    if load is None or not run.result:
        raise NotFound("This run has no such department.")
    blocks = scenarios.blocks_of_round(db.session, run.round_id)
    key = f"d{department_id}"
    hand = waited_for(desk.hand(db.session, run))
    found = waited_for(desk.ask(db.session, run, f"worth {key}", lambda ready: worth(ready, key), slow=True))
    return render_template(
        "review/see_department.html",
        run=run,
        load=load,
        department=load.department,
        blocks=blocks,
        worth=None if hand is None or found is None else _rows(run, hand.problem, blocks, found),
        placings=queries.placings_in(db.session, viewer(), run_id, department_id),
    )


def _rows(
    run: Run, problem: matching.Problem, blocks: list[Block], found: list[matching.Value]
) -> list[WorthRow]:
    out = []
    by_week = {block.id: {monday.isoformat() for monday in block.mondays()} for block in blocks}
    for value in found:
        weeks = {problem.weeks[w] for w in value.limit.weeks}
        when = [block.name for block in blocks if weeks & by_week[block.id]]
        what = "One more place" if value.limit.what == "place" else "0.1 WTE more"
        if value.limit.level == "offer":
            offer = problem.offers[problem.offer_index[value.limit.key]]
            if offer.groups or offer.stages:
                what += f" for {', '.join((*offer.groups, *offer.stages)).replace('_', ' ')}"
        elif value.limit.what == "place":
            what = "One learner more at once for the educators"
        out.append(WorthRow(what, ", ".join(when) or "", worth_words(value.gain), value.proven))
    return out
