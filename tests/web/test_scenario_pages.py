"""Pages of scenarios: the list, the policy editor, comparing runs, and what a run kept."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

import matching
from placements.access import Role
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.extensions import db
from placements.scenarios import editing, solving
from placements.scenarios.locks import save_lock
from placements.scenarios.models import Run, Scenario
from placements.scenarios.reproducing import reproduce_run
from placements.scenarios.service import start_run
from tests.factories import PersonFactory, RunFactory, saved, summary_of, viewer_as
from tests.factories.region import SmallRound, small_round
from tests.web.pages import Page, page, sign_in


@pytest.fixture
def person() -> Person:
    found: Person = PersonFactory()
    return found


@pytest.fixture
def lead(client: FlaskClient, person: Person) -> FlaskClient:
    sign_in(client, person)
    return client


def scenario(region: SmallRound, name: str = "Shorter journeys") -> Scenario:
    return editing.create_scenario(region.lead, region.round.id, name=name)


def sent(found: Page, **changes: str) -> dict[str, str]:
    """What the policy's form would send, with some of it changed."""
    form = found.one("form", id="policy")
    fields = [e for e in form.iter("input") if e.get("type") != "checkbox" or "checked" in e.attrib]
    return {e.get("name", ""): e.get("value", "") for e in fields} | {"do": "save"} | changes


def order(found: Page) -> list[list[str]]:
    """The steps as the page shows them, by the names of their aims."""
    steps = found.all("li", "placements-steps__step")
    names = [[str(e.get("name")) for e in step.iter("input")] for step in steps]
    return [[n.removeprefix("tier_") for n in step if n.startswith("tier_")] for step in names]


def test_a_scenario_is_made_from_the_list_and_run(lead: FlaskClient) -> None:
    region = small_round()
    address = f"/rounds/{region.round.id}/scenarios"
    empty = page(lead.get(address))
    assert "Nobody has changed how this round is matched" in empty.main
    refused = lead.post(address, data={"name": " ", "note": "What I typed"})
    assert refused.status_code == 400
    shown = page(refused)
    assert "Enter a name" in shown.errors["name"]
    assert shown.value("note") == "What I typed"

    made = page(lead.post(address, data={"name": "Shorter journeys"}, follow_redirects=True))
    assert made.h1.startswith("Shorter journeys")
    assert "Nothing: it has the same policy" in made.main
    assert "Nobody is pinned or banned" in made.main
    listed = page(lead.get(address))
    assert [row[0].split()[0] for row in listed.rows()] == ["Round's", "Shorter"]
    (run_form,) = [e for e in made.all("form") if e.get("action", "").endswith("/runs")]
    chosen = {e.get("name"): e.get("value") for e in run_form.iter("input")}
    started = lead.post(run_form.get("action", ""), data={"scenario": chosen["scenario"]})
    run = db.session.get(Run, int(started.location.rsplit("/", 1)[1]))
    assert run is not None
    assert str(run.scenario_id) == chosen["scenario"]
    runs = page(lead.get(f"/rounds/{region.round.id}/runs"))
    assert f"Run {run.id} of Shorter journeys is waiting to begin: watch it" in runs.links()
    assert [o.text for o in runs.one("select", id="scenario").iter("option")] == [
        "Round's policy (round’s own)"
    ]


def test_the_rounds_own_policy_is_changed_and_said(lead: FlaskClient) -> None:
    region = small_round()
    began = lead.post(f"/rounds/{region.round.id}/scenarios/own")
    editor = page(lead.get(began.location))
    assert editor.value("limit_car") == "90"
    answer = page(lead.post(began.location, data=sent(editor, limit_car="60"), follow_redirects=True))
    assert "The policy was saved" in answer.main
    assert "Travel limit by car: 60 minutes instead of 90." in answer.main


def test_steps_are_rearranged_without_a_script_and_nothing_is_saved(lead: FlaskClient) -> None:
    made = scenario(small_round())
    address = f"/scenarios/{made.id}/policy"
    before = page(lead.get(address))
    assert order(before) == [["travel", "preferences", "above_preferred", "supervisor_load"]]
    assert "as much as 10 more minutes of a short journey" in before.main
    added = page(lead.post(address, data=sent(before, do="in:changes", limit_car="what I typed")))
    assert order(added)[1] == ["changes"]
    assert added.value("limit_car") == "what I typed"
    moved = page(lead.post(address, data=sent(added, do="up:2", limit_car="55")))
    assert order(moved)[0] == ["changes"]
    (focused,) = [e for e in moved.all("button") if "autofocus" in e.attrib]
    assert focused.get("value") == "down:1"
    db.session.expire_all()
    assert matching.Policy.from_json(made.policy) == matching.Policy()
    saved_page = page(lead.post(address, data=sent(moved), follow_redirects=True))
    assert "Aims in order: 1. Fewest changes; 2. Travel" in saved_page.main
    db.session.expire_all()
    policy = matching.Policy.from_json(made.policy)
    assert (policy.tiers[0], policy.travel_limit["car"]) == ({"changes": 1}, 55)


def test_what_the_engine_refuses_stands_at_its_field_and_what_was_typed_survives(lead: FlaskClient) -> None:
    made = scenario(small_round())
    address = f"/scenarios/{made.id}/policy"
    typed: dict[str, Any] = {"limit_car": "5000", "travel_price_1": "0", "weight_travel": "x", "seed": "7"}
    response = lead.post(address, data=sent(page(lead.get(address)), **typed))
    assert response.status_code == 400
    found = page(response)
    assert set(found.errors) == {"limit_car", "travel_price_1", "weight_travel"}
    assert {name: found.value(name) for name in typed} == typed
    assert "Travel limit by car: enter a whole number" in found.main
    db.session.expire_all()
    assert matching.Policy.from_json(made.policy) == matching.Policy()


def test_a_policy_changed_meanwhile_says_who_and_what_and_can_be_saved_over(lead: FlaskClient) -> None:
    made = scenario(small_round())
    address = f"/scenarios/{made.id}/policy"
    mine = sent(page(lead.get(address)), seed="5")
    other = replace(viewer_as(Role.ACADEMY_LEAD), name="Alex Moor")
    theirs = matching.Policy(access=False).to_json()
    editing.save_policy(other, made.id, version=made.version, policy=theirs)
    response = lead.post(address, data=mine)
    assert response.status_code == 409
    found = page(response)
    assert "Alex Moor changed it" in found.errors["theirs"]
    assert "The rule “Access needs” is set aside." in found.main
    assert found.value("seed") == "5"
    assert lead.post(address, data=sent(found)).status_code == 302


def test_a_scenarios_locks_are_listed_and_lifted(lead: FlaskClient, person: Person) -> None:
    region = small_round()
    made = scenario(region)
    save_lock(
        replace(viewer_of(person), name=person.name),
        round_id=region.round.id,
        scenario_id=None,
        requirement_id=region.learners[0].requirements[0].id,
        kind="pin",
        department_id=region.departments[0].id,
        reason="She lives next door",
    )
    found = page(lead.get(f"/scenarios/{made.id}"))
    (row,) = [row for row in found.rows() if region.learners[0].reference in row[0]]
    assert "Pinned to" in row[1]
    assert "in all scenarios of the round" in row[1]
    assert "She lives next door" in row[2]
    assert f"By hand: {person.name}" in row[3]
    (form,) = [e for e in found.all("form") if "/lift" in e.get("action", "")]
    lifted = page(lead.post(form.get("action", ""), data={"scenario": str(made.id)}, follow_redirects=True))
    assert "The lock was lifted" in lifted.main
    assert "Nobody is pinned or banned" in lifted.main
    assert "1 lock lifted" in lifted.main


def test_a_scenario_is_named_and_removed(lead: FlaskClient) -> None:
    made = scenario(small_round())
    address = f"/scenarios/{made.id}"
    form = page(lead.get(f"{address}/name"))
    said = {"version": form.value("version"), "name": "Near", "note": "To see"}
    assert lead.post(f"{address}/name", data=said | {"name": ""}).status_code == 400
    assert page(lead.post(f"{address}/name", data=said, follow_redirects=True)).h1.startswith("Near")
    stale = lead.post(f"{address}/name", data=said | {"name": "Mine"})
    assert stale.status_code == 409
    assert page(stale).value("name") == "Mine"
    gone = page(lead.post(f"{address}/remove", follow_redirects=True))
    assert "“Near” was removed" in gone.main
    assert lead.get(address).status_code == 404


def two_runs(region: SmallRound) -> list[int]:
    """Runs of the round's own scenario and of one that bans the first learner from everywhere."""
    made = scenario(region, "Banned")
    for department in region.departments:
        save_lock(
            region.lead,
            round_id=region.round.id,
            scenario_id=made.id,
            requirement_id=region.learners[0].requirements[0].id,
            kind="ban",
            department_id=department.id,
            reason="To see",
        )
    ids = []
    for scenario_id in (None, made.id):
        run_id = start_run(region.lead, region.round.id, scenario_id=scenario_id).id
        solving.perform_run(run_id)
        ids.append(run_id)
    db.session.expire_all()
    return ids


def test_runs_are_compared_and_their_differences_listed(lead: FlaskClient) -> None:
    region = small_round(learners=3, places=(2, 1))
    ids = two_runs(region)
    base = f"/rounds/{region.round.id}/compare"
    choose = page(lead.get(base))
    assert {e.get("value") for e in choose.all("input", type="checkbox")} == {str(id_) for id_ in ids}
    query = "?" + "&".join(f"run={id_}" for id_ in ids)
    found = page(lead.get(base + query))
    assert ["Placements", "3 of 3 most", "2 of 3"] in found.rows()
    assert "Best, by the aims in their order: it comes first by “" in found.main
    assert "Proven to be the best: nobody more can be placed" in found.main
    too_many = lead.get(base + "?" + "&".join(f"run={n}" for n in range(1, 6)))
    assert too_many.status_code == 400
    assert "at most 4" in page(too_many).errors["choose"]
    assert lead.get(base + "?run=99999").status_code == 404

    listed = page(lead.get(f"{base}/learners{query}&show=some"))
    assert "1 placement is not the same in both runs" in listed.main
    (row,) = listed.rows()
    assert region.learners[0].reference in row[0]
    assert "Not placed" in row[3]
    none = page(lead.get(f"{base}/learners{query}&reference=nobody"))
    assert "No placement that these filters leave differs" in none.main
    assert lead.get(f"{base}/learners?run={ids[0]}").status_code == 302
    assert lead.get(f"{base}/learners{query}&page=9").status_code == 302
    file = lead.get(f"{base}/learners.csv{query}&show=some")
    assert file.mimetype == "text/csv"
    assert len(file.get_data(as_text=True).splitlines()) == 2


def test_a_run_tells_what_it_kept_and_whether_it_can_be_repeated(lead: FlaskClient) -> None:
    region = small_round(learners=3, places=(2, 1))
    run_id = two_runs(region)[1]
    found = page(lead.get(f"/runs/{run_id}"))
    assert "with 2 locks" in found.main
    assert "Its policy is the round’s own as it is now" in found.main
    file = lead.get(f"/runs/{run_id}/snapshot.json")
    assert file.headers["Content-Disposition"] == f'attachment; filename="run-{run_id}.json"'
    assert len(json.loads(file.get_data())["problem"]["locks"]) == 2
    asked = page(lead.post(f"/runs/{run_id}/reproduce", follow_redirects=True))
    assert "It is being solved again" in asked.main
    reproduce_run(run_id)
    assert "The same, byte by byte" in page(lead.get(f"/runs/{run_id}")).main


def test_locks_that_cannot_hold_are_said_on_the_runs_page(lead: FlaskClient) -> None:
    region = small_round(learners=2)
    first, second = region.learners
    conflict = {
        "locks": [
            {
                "requirement": learner.requirements[0].id,
                "level": "department",
                "place": region.departments[0].id,
                "kind": "pin",
            }
            for learner in (first, second)
        ],
        "rules": ["places", "supervision"],
        "pinned": [second.requirements[0].id],
    }
    run = RunFactory(round=region.round, summary=summary_of(status="infeasible_locks", conflicts=[conflict]))
    saved()
    found = page(lead.get(f"/runs/{run.id}"))
    place = region.departments[0].name
    assert f"{first.reference} is pinned to {place}, a lock that has been lifted since" in found.main
    assert "What stands in the way: places and supervision." in found.main
    assert f"Left without a place by it: {second.reference}." in found.main


def test_a_run_under_way_shows_its_curve_and_how_to_stop_it(lead: FlaskClient) -> None:
    progress = {"stage": "part 1 of 2", "part": "part 1 of 2", "incumbent": 40, "bound": 10, "seconds": 9}
    curve = [[1.0, "part", 90, 0], [9.0, "part", 40, 10]]
    run = RunFactory(state="running", progress=progress, curve=curve, round=small_round().round)
    saved()
    found = page(lead.get(f"/runs/{run.id}"))
    figure = found.one("figure")
    assert "hidden" not in figure.attrib
    lines = {e.get("class"): e.get("points") for e in figure.iter() if e.get("points")}
    told = lead.get(f"/runs/{run.id}/progress", headers={"Accept": "application/json"}).json
    assert told is not None
    assert lines["placements-curve__best"] == told["curve"]["best"]
    assert (told["gap"], told["curve"]["most"], told["curve"]["least"]) == (30, 90, 0)
    assert "Stop and keep the best so far" in found.main
