"""Pages about plans: the grid of what each programme and stage asks, and one plan to change."""

import re
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Programme, Stage
from placements.plans import queries, service
from placements.plans.aligning import PlanChanges
from placements.plans.blueprint import plans
from placements.plans.content import MOST_PLACES, MOST_ROTATIONS, PlanContent, copied
from placements.plans.forms import PlanForm
from placements.plans.words import (
    differences,
    place_words,
    plan_words,
    rotation_words,
    variety_words,
)
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.web import viewer
from placements.web.formats import count
from placements.web.panels import Panel, Status, register


@plans.get("/plans")
@login_required
def see_plans(round_id: int) -> ResponseReturnValue:
    """What each programme and stage asks of the round, and which have no plan."""
    require(viewer(), Action.SEE_PLANS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    board = queries.board(db.session, viewer(), round_)
    rows = [row for programme in board for row in programme.rows]
    return render_template(
        "plans/see_plans.html",
        round=round_,
        board=board,
        planned=[row for row in rows if row.is_planned],
        missing=[row for row in rows if row.is_missing],
        places=sum(row.learners * row.content.places for row in rows),
        previous=queries.previous_round(db.session, viewer(), round_),
        names=queries.names_of(queries.modalities(db.session)),
        blocks={block.id: block for block in round_.blocks},
    )


@plans.route("/plans/<int:programme_id>/<int:stage_id>", methods=["GET", "POST"])
@login_required
def save_plan(round_id: int, programme_id: int, stage_id: int) -> ResponseReturnValue:
    """Change what a programme and stage asks: first what that does to its learners, then for good."""
    require(viewer(), Action.SAVE_PLAN)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    programme, stage = queries.programme_and_stage(db.session, viewer(), programme_id, stage_id)
    standing = queries.standing_plan(db.session, round_id, programme_id, stage_id)
    shown: dict[str, Any] = {"copied_from": None}
    status = 200
    if request.method == "GET":
        content = standing.content
        if source := request.args.get("from"):
            content, shown["copied_from"] = _copied(round_, source)
        form = PlanForm(round_.blocks, content, standing.version)
    else:
        form = PlanForm(round_.blocks, PlanContent(), 0, request.form)
        if "add" in request.form:
            form.add(request.form["add"])
        elif form.is_right():
            try:
                changes = _foresee_or_save(form, round_id, programme_id, stage_id)
            except Refused as refusal:
                form.refuse(refusal)
            except Stale as stale:
                shown |= {"stale": stale.message} | _other(form, round_, programme_id, stage_id)
                status = 409
            else:
                if changes is None:
                    return redirect(url_for("plans.see_plans", round_id=round_id))
                shown["changes"] = changes
                form.seen.data = changes.digest
    page = render_template(
        "plans/save_plan.html",
        round=round_,
        programme=programme,
        stage=stage,
        form=form,
        employment=queries.employment(db.session, round_id, programme_id, stage_id),
        sources=_sources(round_, programme, stage),
        modalities=queries.modalities(db.session),
        is_planned=standing.content.places > 0,
        most_rotations=MOST_ROTATIONS,
        most_places=MOST_PLACES,
        **shown,
    )
    return page, 400 if form.problems or form.errors else status


def _foresee_or_save(form: PlanForm, round_id: int, programme_id: int, stage_id: int) -> PlanChanges | None:
    """Save, where nobody has to be told what it does or it was told; otherwise what it would do."""
    content, version = form.content(), form.version.data or 0
    changes = service.foresee_plan(viewer(), round_id, programme_id, stage_id, content, version=version)
    told = "" if "look" in request.form else form.seen.data
    if changes.words_needed and told != changes.digest:
        return changes
    saved = service.save_plan(
        viewer(), round_id, programme_id, stage_id, content, version=version, seen=changes.digest
    )
    if saved.is_nothing:
        flash("The plan is as it was: nothing was changed.")
    elif saved.to_draft:
        flash(
            f"The plan is saved. {count(len(saved.to_draft), 'cohort is a draft', 'cohorts are drafts')}"
            " again: submit once more what is complete."
        )
    else:
        flash("The plan is saved.")
    return None


def _other(form: PlanForm, round_: Round, programme_id: int, stage_id: int) -> dict[str, Any]:
    """What somebody else saved beside what is typed, which may now be saved over it."""
    db.session.expire_all()
    standing = queries.standing_plan(db.session, round_.id, programme_id, stage_id)
    form.version.data = standing.version
    form.seen.data = ""
    names = queries.names_of(queries.modalities(db.session))
    return {"differences": differences(standing.content, form.content(), round_.blocks, names)}


def _sources(round_: Round, programme: Programme, stage: Stage) -> list[tuple[str, str]]:
    """Plans from which this one may be copied: the same one of the round before, and those of other stages
    in this round."""
    found = []
    previous = queries.previous_round(db.session, viewer(), round_)
    if previous is not None:
        before = queries.standing_plan(db.session, previous.id, programme.id, stage.id)
        if before.content.places:
            found.append((f"{previous.id}.{programme.id}.{stage.id}", f"The same in {previous.name}"))
    for row in queries.board(db.session, viewer(), round_):
        found += [
            (
                f"{round_.id}.{row.programme.id}.{other.stage.id}",
                f"{row.programme.name}, {other.stage.name}"
                + ("" if row.programme.hei_id == programme.hei_id else f", {row.programme.hei.name}"),
            )
            for other in row.rows
            if other.is_planned and (row.programme.id, other.stage.id) != (programme.id, stage.id)
        ]
    return found


def _copied(round_: Round, source: str) -> tuple[PlanContent, str]:
    """The plan that an address names, for this round's blocks, and where it is from; raises NotFound."""
    found = re.fullmatch(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", source)
    if found is None:
        raise NotFound("There is no such plan to copy.")
    round_id, programme_id, stage_id = map(int, found.groups())
    other = rounds.round_by_id(db.session, viewer(), round_id)
    programme, stage = queries.programme_and_stage(db.session, viewer(), programme_id, stage_id)
    content = queries.standing_plan(db.session, round_id, programme_id, stage_id).content
    blocks = {block.id: block for block in other.blocks}
    words = f"{programme.name}, {stage.name}, {other.name}"
    return copied(content, blocks, round_.blocks), words


def _status(viewer: Viewer, round_id: int) -> Status:
    round_ = rounds.round_by_id(db.session, viewer, round_id)
    rows = [row for programme in queries.board(db.session, viewer, round_) for row in programme.rows]
    missing = sum(row.is_missing for row in rows)
    if missing:
        return Status(f"{count(missing, 'stage has', 'stages have')} no plan", needs_attention=True)
    planned = sum(row.is_planned for row in rows)
    return Status(f"{count(planned, 'stage')} planned" if planned else "Nothing planned")


@plans.context_processor
def _words() -> dict[str, Any]:
    """What every page about plans says things with."""
    return {
        "place_words": place_words,
        "plan_words": plan_words,
        "rotation_words": rotation_words,
        "variety_words": variety_words,
    }


register(
    Panel(
        title="Plans",
        hint="What each programme and stage asks: blocks, modalities, weeks and days",
        action=Action.SEE_PLANS,
        order=15,
        address=lambda round_id: url_for("plans.see_plans", round_id=round_id),
        status=_status,
    )
)
