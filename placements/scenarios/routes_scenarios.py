"""Pages of a round's scenarios: the list, one with its locks, its name, and the policy editor."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.scenarios import editing, lists, marks, policies, queries, results
from placements.scenarios.blueprint import scenarios
from placements.scenarios.editing import why_kept
from placements.scenarios.locks import lift_lock as lift
from placements.scenarios.locks import locks_of_scenario, place_name
from placements.scenarios.models import Scenario
from placements.scenarios.policies import ALONE, MOST_STEPS, SWITCHES, Draft, can_join
from placements.scenarios.policy_words import AIMS, PRICES, RULES
from placements.web import viewer


@scenarios.get("/rounds/<int:round_id>/scenarios")
@login_required
def see_scenarios(round_id: int) -> ResponseReturnValue:
    """A round's scenarios with the figures of each one's last run, and the form that makes another."""
    require(viewer(), Action.SEE_RUNS)
    return _scenarios_page(round_id, {}, {})


@scenarios.post("/rounds/<int:round_id>/scenarios")
@login_required
def create_scenario(round_id: int) -> ResponseReturnValue:
    """Make a scenario after another one."""
    require(viewer(), Action.SAVE_SCENARIO)
    rounds.round_by_id(db.session, viewer(), round_id)
    said = {name: request.form.get(name, "") for name in ("name", "note", "copy_of")}
    try:
        made = editing.create_scenario(
            viewer(),
            round_id,
            name=said["name"],
            note=said["note"],
            copy_of=int(said["copy_of"]) if said["copy_of"].isdecimal() else None,
        )
    except Refused as refusal:
        return _scenarios_page(round_id, said, refusal.fields), 400
    flash(f"“{made.name}” was made. Change its policy, then run it.")
    return redirect(url_for("scenarios.see_scenario", scenario_id=made.id))


@scenarios.post("/rounds/<int:round_id>/scenarios/own")
@login_required
def begin_own_scenario(round_id: int) -> ResponseReturnValue:
    """Go on to change the policy of the round's own scenario, which begins as the usual one."""
    scenario = editing.begin_own_scenario(viewer(), round_id)
    return redirect(url_for("scenarios.save_policy", scenario_id=scenario.id))


@scenarios.get("/scenarios/<int:scenario_id>")
@login_required
def see_scenario(scenario_id: int) -> ResponseReturnValue:
    """One scenario: what differs from the round's own, what it aims for, its locks and its runs."""
    require(viewer(), Action.SEE_RUNS)
    scenario = queries.scenario_by_id(db.session, viewer(), scenario_id)
    runs = [
        run
        for run in queries.runs_of_round(db.session, viewer(), scenario.round_id)
        if run.scenario_id == scenario.id
    ]
    return render_template(
        "scenarios/see_scenario.html",
        scenario=scenario,
        round=scenario.round,
        is_over=scenario.round.is_finished(today()),
        changes=lists.changes_of(db.session, viewer(), scenario),
        steps=lists.steps_of(scenario.policy),
        locks=locks_of_scenario(db.session, viewer(), scenario),
        place_name=place_name,
        runs=runs,
        under_way=next((run for run in runs if run.state in ("queued", "running")), None),
        marks=marks.marks_of_round(db.session, viewer(), scenario.round_id),
        short_certificate=results.short_certificate,
        why_kept=why_kept(db.session, viewer(), scenario),
    )


@scenarios.route("/scenarios/<int:scenario_id>/policy", methods=["GET", "POST"])
@login_required
def save_policy(scenario_id: int) -> ResponseReturnValue:
    """The policy editor. A button that rearranges the steps shows them anew and saves nothing."""
    require(viewer(), Action.SAVE_SCENARIO)
    scenario = queries.scenario_by_id(db.session, viewer(), scenario_id)
    if request.method == "GET":
        return _policy_page(scenario, policies.draft_of(scenario.policy), scenario.version)
    draft, version = policies.draft_from(request.form), request.form.get("version", 0, type=int)
    wish = request.form.get("do", "save")
    if wish != "save":
        after = policies.rearranged(draft, wish)
        return _policy_page(scenario, after, version, focus=policies.next_wish(after, wish))
    try:
        editing.save_policy(viewer(), scenario_id, version=version, policy=policies.policy_of(draft))
    except Refused as refusal:
        return _policy_page(scenario, draft, version, fields=refusal.fields), 400
    except Stale as stale:
        scenario = queries.scenario_by_id(db.session, viewer(), scenario_id)
        return _policy_page(scenario, draft, scenario.version, stale=stale.message), 409
    flash("The policy was saved. The next run of this scenario goes by it.")
    return redirect(url_for("scenarios.see_scenario", scenario_id=scenario_id))


@scenarios.route("/scenarios/<int:scenario_id>/name", methods=["GET", "POST"])
@login_required
def rename_scenario(scenario_id: int) -> ResponseReturnValue:
    """Change a scenario's name and note."""
    require(viewer(), Action.SAVE_SCENARIO)
    scenario = queries.scenario_by_id(db.session, viewer(), scenario_id)
    said: dict[str, Any] = {"name": scenario.name, "note": scenario.note, "version": scenario.version}
    fields: dict[str, str] = {}
    status, problem = 200, ""
    if request.method == "POST":
        said = {"name": request.form.get("name", ""), "note": request.form.get("note", "")}
        said["version"] = request.form.get("version", 0, type=int)
        try:
            editing.rename_scenario(viewer(), scenario_id, **said)
        except Refused as refusal:
            status, fields = 400, refusal.fields
        except Stale as stale:
            scenario = queries.scenario_by_id(db.session, viewer(), scenario_id)
            status, problem, said["version"] = 409, stale.message, scenario.version
        else:
            flash("The scenario was saved.")
            return redirect(url_for("scenarios.see_scenario", scenario_id=scenario_id))
    page = render_template(
        "scenarios/rename_scenario.html", scenario=scenario, said=said, fields=fields, problem=problem
    )
    return page, status


@scenarios.post("/scenarios/<int:scenario_id>/remove")
@login_required
def remove_scenario(scenario_id: int) -> ResponseReturnValue:
    """Remove a scenario that nothing came of."""
    require(viewer(), Action.REMOVE_SCENARIO)
    round_id = queries.scenario_by_id(db.session, viewer(), scenario_id).round_id
    name = editing.remove_scenario(viewer(), scenario_id)
    flash(f"“{name}” was removed.")
    return redirect(url_for("scenarios.see_scenarios", round_id=round_id))


@scenarios.post("/locks/<int:lock_id>/lift")
@login_required
def lift_lock(lock_id: int) -> ResponseReturnValue:
    """End a pin or ban; the page that it was lifted from is shown again."""
    lock = lift(viewer(), lock_id)
    flash("The lock was lifted. The next run does without it.")
    scenario_id = request.form.get("scenario", 0, type=int) or lock.scenario_id
    if not scenario_id:
        return redirect(url_for("scenarios.see_scenarios", round_id=lock.round_id))
    return redirect(url_for("scenarios.see_scenario", scenario_id=scenario_id) + "#locks")


def _scenarios_page(round_id: int, said: dict[str, str], fields: dict[str, str]) -> str:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return render_template(
        "scenarios/see_scenarios.html",
        round=round_,
        lines=lists.scenario_lines(db.session, viewer(), round_id),
        short_certificate=results.short_certificate,
        said=said,
        fields=fields,
    )


def _policy_page(
    scenario: Scenario,
    draft: Draft,
    version: int,
    *,
    fields: dict[str, str] | None = None,
    stale: str = "",
    focus: str = "",
) -> str:
    return render_template(
        "scenarios/save_policy.html",
        scenario=scenario,
        draft=draft,
        version=version,
        fields=fields or {},
        stale=stale,
        theirs=lists.changes_from_typed(draft, scenario.policy) if stale else [],
        effects=lists.effects_of(draft),
        focus=focus,
        aims=AIMS,
        alone=ALONE,
        can_join=can_join,
        rules=RULES,
        switches=SWITCHES,
        prices=PRICES,
        most_steps=MOST_STEPS,
    )
