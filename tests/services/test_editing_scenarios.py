"""Scenarios: made after one another, their policy read from what was typed, named, removed."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import matching
from matching.policy import TERMS
from placements import tasks
from placements.access import Role
from placements.accounts.models import Person
from placements.allocations.service import adopt_run
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.rounds.models import Round
from placements.scenarios import editing, lists, policies, policy_words, queries, service, solving
from placements.scenarios.locks import locks_of_scenario, save_lock
from placements.scenarios.models import Lock, Run, Scenario, Snapshot
from placements.scenarios.policies import Draft, can_join, draft_from, draft_of, policy_of, rearranged
from tests.factories import NetworkFactory, RunFactory, saved, viewer_as
from tests.factories.region import SmallRound, small_round

USUAL = matching.Policy().to_json()


@pytest.fixture
def region(app: object, monkeypatch: pytest.MonkeyPatch) -> SmallRound:
    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: None)
    return small_round(learners=2, places=(1, 1))


def typed(policy: matching.Policy | None = None, **values: str) -> Draft:
    draft = draft_of((policy or matching.Policy()).to_json())
    return replace(draft, values=dict(draft.values) | values)


def test_words_are_there_for_every_aim_and_rule() -> None:
    assert set(policy_words.AIMS) == set(TERMS)
    assert set(policy_words.RULES) == set(matching.RULES)
    settings = {*policy_words.RULES, *policy_words.PRICES, "travel", "supervisor_load", "tiers", "seed"}
    assert settings == set(policy_words.all_settings())


@pytest.mark.parametrize(
    "policy",
    [
        matching.Policy(),
        matching.Policy(
            tiers=({"changes": 2}, {"worst_travel": 1}, {"travel": 3, "variety": 7}),
            supervision=None,
            travel_limit={"car": 45, "public_transport": 60},
            travel=((0, 0), (20, 5)),
            supervisor_load=(),
            access=False,
            seed=12,
        ),
        matching.Policy(supervision=0.85),
    ],
)
def test_a_policy_that_is_shown_and_sent_back_is_the_same(policy: matching.Policy) -> None:
    draft = draft_of(policy.to_json())
    said = dict(draft.values) | {f"rule_{name}": "yes" for name in draft.obeyed}
    for step, tier in enumerate(draft.tiers, 1):
        for aim, weight in tier.items():
            said |= {f"tier_{aim}": str(step), f"weight_{aim}": weight}
    assert matching.Policy.from_json(policy_of(draft_from(said))) == policy


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"limit_car": "an hour"}, "limit_car", "minutes from 0 to 1,440"),
        ({"limit_car": "1441"}, "limit_car", "a whole number from 0 to 1,440"),
        ({"supervision": "much"}, "supervision", "leave it empty"),
        ({"supervision": "1001"}, "supervision", "leave it empty"),
        ({"supervision": "nan"}, "supervision", "leave it empty"),
        ({"preference_step": ""}, "preference_step", "points"),
        ({"above_preferred": "10001"}, "above_preferred", "10,000"),
        ({"travel_from_0": "5"}, "travel_from_0", "a step from 0 minutes"),
        ({"travel_price_2": "1"}, "travel_price_2", "no lower than"),
        ({"travel_from_1": "", "travel_price_1": "", "travel_price_2": "0"}, "travel_price_2", "no lower"),
        ({"load_from_1": "40"}, "load_from_1", "later than the one before"),
        ({"load_from_4": "95"}, "load_price_4", "points"),
        ({"seed": "-1"}, "seed", "whole number"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_with_what_would_be_right(
    values: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(Refused) as refusal:
        policy_of(typed(**values))
    assert set(refusal.value.fields) == {field}
    assert words in refusal.value.fields[field]


def test_all_that_is_wrong_is_said_at_once() -> None:
    draft = replace(typed(limit_car="x", seed="y", above_preferred="99999"), tiers=({"travel": "0"},))
    with pytest.raises(Refused) as refusal:
        policy_of(draft)
    assert set(refusal.value.fields) == {"limit_car", "seed", "above_preferred", "weight_travel"}
    with pytest.raises(Refused) as refusal:
        policy_of(replace(typed(), tiers=({"travel": "1", "hei_fairness": "1"},)))
    assert "must be alone in its step" in refusal.value.fields["weight_hei_fairness"]
    with pytest.raises(Refused) as refusal:
        policy_of(replace(typed(), tiers=()))
    assert set(refusal.value.fields) == {"steps"}


def order(draft: Draft) -> list[list[str]]:
    return [list(tier) for tier in draft.tiers]


def test_steps_are_moved_joined_parted_left_out_and_added() -> None:
    draft = replace(typed(), tiers=({"travel": "1", "preferences": "2"}, {"changes": "3"}))
    assert order(rearranged(draft, "up:2")) == [["changes"], ["travel", "preferences"]]
    assert order(rearranged(draft, "down:1")) == order(rearranged(draft, "up:2"))
    assert rearranged(draft, "join:changes").tiers == ({"travel": "1", "preferences": "2", "changes": "3"},)
    assert order(rearranged(draft, "alone:preferences")) == [["travel"], ["preferences"], ["changes"]]
    assert order(rearranged(draft, "out:changes")) == [["travel", "preferences"]]
    assert rearranged(draft, "in:hei_fairness").tiers[-1] == {"hei_fairness": "1"}
    assert "hei_fairness" in draft.left_out
    for nothing in (
        "up:1",
        "down:2",
        "up:9",
        "join:travel",
        "alone:changes",
        "in:travel",
        "in:beer",
        "x",
        "",
    ):
        assert rearranged(draft, nothing).tiers == draft.tiers, nothing


def test_an_aim_that_must_stand_alone_joins_nothing_and_is_joined_by_nothing() -> None:
    draft = replace(typed(), tiers=({"travel": "1"}, {"worst_travel": "1"}, {"changes": "1"}))
    assert not can_join(draft, "worst_travel")
    assert not can_join(draft, "changes")
    assert rearranged(draft, "join:changes").tiers == draft.tiers


@pytest.mark.parametrize(
    ("wish", "focus"),
    [
        ("up:2", "down:1"),
        ("up:3", "up:2"),
        ("down:1", "down:2"),
        ("down:2", "up:3"),
        ("join:changes", "alone:changes"),
        ("out:changes", "in:changes"),
        ("look", ""),
    ],
)
def test_the_keyboard_goes_on_from_what_moved(wish: str, focus: str) -> None:
    draft = replace(typed(), tiers=({"travel": "1"}, {"preferences": "1"}, {"changes": "1"}))
    assert policies.next_wish(rearranged(draft, wish), wish) == focus


def test_a_weight_is_said_in_minutes_of_travel() -> None:
    effects = policy_words.effects(
        matching.Policy(tiers=({"travel": 2, "preferences": 1, "supervisor_load": 1}, {"changes": 5}))
    )
    assert effects["travel"] == (
        "A minute counts 2 times as much beyond 30 minutes and 4 times as much beyond 60 minutes."
    )
    assert "as much as 5 more minutes of a short journey" in effects["preferences"]
    # Half of it above 50% at 2, a quarter above 75% at 4, a tenth above 90% at 8 points, weighed against 2.
    assert "as much as 1.4 more minutes" in effects["supervisor_load"]
    assert effects["changes"] == "Alone in its step, so its weight makes no difference."
    without = policy_words.effects(matching.Policy(tiers=({"preferences": 1, "changes": 30},)))
    assert "counts 3 times as much as one choice further down" in without["changes"]
    free = policy_words.effects(matching.Policy(travel=(), tiers=({"travel": 1, "changes": 1},)))
    assert "counts 1 points" in free["changes"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        ({"travel_limit": {"car": 60, "public_transport": 90}}, ["by car: 60 minutes instead of 90"]),
        ({"supervision": None}, ["no limit instead of 100% of WTE"]),
        ({"access": False}, ["“Access needs” is set aside"]),
        ({"above_preferred": 9}, ["9 instead of 4 points"]),
        ({"seed": 4}, ["draw 4 instead of 0"]),
        ({"travel": ((0, 2),)}, ["2 from 0 minutes instead of 1 from 0 minutes, 2 from 30 minutes"]),
        ({"supervisor_load": ()}, ["nothing instead of 2 from 50%"]),
        (
            {"tiers": ({"travel": 3, "preferences": 1, "above_preferred": 1, "supervisor_load": 1},)},
            ["Weight of “Travel”: 3 instead of 1"],
        ),
        (
            {"tiers": ({"changes": 1}, {"travel": 1})},
            [
                "1. Fewest changes; 2. Travel – instead",
                "“Fewest changes” as well",
                "for “Preferences”",
                "for “Preferred places”",
                "for “Even supervisor load”",
            ],
        ),
    ],
)
def test_what_changed_is_said_a_sentence_a_setting(changed: dict[str, Any], words: list[str]) -> None:
    found = policy_words.changes(matching.Policy(**changed), matching.Policy())
    assert len(found) == len(words), found
    for sentence, part in zip(found, words, strict=True):
        assert part in sentence


def test_a_scenario_begins_with_the_policy_and_locks_of_another(session: Session, region: SmallRound) -> None:
    own = editing.begin_own_scenario(region.lead, region.round.id)
    assert own.is_default
    shorter = matching.Policy(travel_limit={"car": 60, "public_transport": 60}).to_json()
    first = editing.create_scenario(region.lead, region.round.id, name="  Shorter   journeys ", note="To see")
    assert (first.name, first.note, first.is_default) == ("Shorter journeys", "To see", False)
    assert first.policy == own.policy
    editing.save_policy(region.lead, first.id, version=first.version, policy=shorter)
    save_lock(
        region.lead,
        round_id=region.round.id,
        scenario_id=first.id,
        requirement_id=region.learners[0].requirements[0].id,
        kind="ban",
        department_id=region.departments[0].id,
        reason="Too far",
    )
    second = editing.create_scenario(region.lead, region.round.id, name="Copy", copy_of=first.id)
    assert second.policy == shorter
    (line,) = locks_of_scenario(session, region.lead, second)
    assert (line.lock.scenario_id, line.lock.reason, line.made_by) == (second.id, "Too far", region.lead.name)
    assert lists.changes_of(session, region.lead, second) == [
        "Travel limit by car: 60 minutes instead of 90.",
        "Travel limit by public transport: 60 minutes instead of 90.",
    ]
    assert lists.changes_of(session, region.lead, own) == []
    lines = lists.scenario_lines(session, region.lead, region.round.id)
    assert [(row.scenario.name, row.locks) for row in lines] == [
        ("Round's policy", 0),
        ("Shorter journeys", 1),
        ("Copy", 1),
    ]


def test_scenarios_run_beside_each_other_and_each_by_its_own_policy(
    session: Session, region: SmallRound
) -> None:
    made = editing.create_scenario(region.lead, region.round.id, name="Nobody travels")
    near = matching.Policy(travel_limit={"car": 1, "public_transport": 1}).to_json()
    editing.save_policy(region.lead, made.id, version=made.version, policy=near)
    own_run = service.start_run(region.lead, region.round.id).id
    near_run = service.start_run(region.lead, region.round.id, scenario_id=made.id).id
    with pytest.raises(Refused, match="already under way"):
        service.start_run(region.lead, region.round.id, scenario_id=made.id)
    for run_id in (own_run, near_run):
        solving.perform_run(run_id)
    session.expire_all()
    placed = {run.id: run.summary["placed"] for run in session.scalars(select(Run))}
    assert placed == {own_run: 2, near_run: 0}
    lines = lists.scenario_lines(session, region.lead, region.round.id)
    assert [line.last.id for line in lines if line.last] == [own_run, near_run]
    # The run keeps its policy: what changed is told against the round's own as it is now.
    run = queries.run_by_id(session, region.lead, near_run)
    editing.save_policy(region.lead, made.id, version=made.version, policy=USUAL)
    assert len(lists.changes_of_run(session, region.lead, run)) == 2
    # Both are over the same data, which are kept once.
    assert len(session.scalars(select(Snapshot)).all()) == 1


@pytest.mark.parametrize(
    ("name", "note", "field"), [("", "", "name"), (" ", "", "name"), ("x" * 101, "", "name")]
)
def test_a_name_is_needed(session: Session, region: SmallRound, name: str, note: str, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        editing.create_scenario(region.lead, region.round.id, name=name, note=note)
    assert set(refusal.value.fields) == {field}
    assert session.scalars(select(Scenario)).all() == []


def test_two_scenarios_of_a_round_have_two_names(session: Session, region: SmallRound) -> None:
    made = editing.create_scenario(region.lead, region.round.id, name="One")
    for name in ("One", "Round's policy"):
        with pytest.raises(Refused) as refusal:
            editing.create_scenario(region.lead, region.round.id, name=name)
        assert set(refusal.value.fields) == {"name"}
    two = editing.create_scenario(region.lead, region.round.id, name="Two")
    with pytest.raises(Refused, match="name of its own"):
        editing.rename_scenario(region.lead, two.id, version=two.version, name="One", note="")
    renamed = editing.rename_scenario(region.lead, made.id, version=made.version, name="First", note="Why")
    assert (renamed.name, renamed.note) == ("First", "Why")


def test_a_change_over_somebody_elses_says_who_and_saves_nothing(
    session: Session, region: SmallRound
) -> None:
    made = editing.create_scenario(region.lead, region.round.id, name="One")
    read = made.version
    other = viewer_as(Role.ACADEMY_LEAD)
    session.execute(update(Person).where(Person.id == other.person_id).values(name="Alex Moor"))
    session.commit()
    other = replace(other, name="Alex Moor")
    theirs = matching.Policy(seed=1).to_json()
    editing.save_policy(other, made.id, version=read, policy=theirs)
    with pytest.raises(Stale, match="Alex Moor changed it on 24 November 2026 at 9:30am"):
        editing.save_policy(region.lead, made.id, version=read, policy=USUAL)
    with pytest.raises(Stale, match="Alex Moor"):
        editing.rename_scenario(region.lead, made.id, version=read, name="Two", note="")
    session.expire_all()
    assert (made.policy, made.name) == (theirs, "One")
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.detail["changed"] == ["Ties are settled by draw 1 instead of 0."]


def test_a_scenario_goes_with_its_runs_and_locks_unless_something_came_of_it(
    session: Session, region: SmallRound
) -> None:
    made = editing.create_scenario(region.lead, region.round.id, name="To go")
    run_id = service.start_run(region.lead, region.round.id, scenario_id=made.id).id
    with pytest.raises(Refused, match="under way"):
        editing.remove_scenario(region.lead, made.id)
    solving.perform_run(run_id)
    session.expire_all()
    assert editing.remove_scenario(region.lead, made.id) == "To go"
    for table in (Run, Lock, Snapshot):
        assert session.scalars(select(table)).all() == []

    stays = editing.create_scenario(region.lead, region.round.id, name="To stay")
    run_id = service.start_run(region.lead, region.round.id, scenario_id=stays.id).id
    solving.perform_run(run_id)
    adopt_run(region.lead, run_id)
    with pytest.raises(Refused, match=rf"Run {run_id} of it is in use \(adopted"):
        editing.remove_scenario(region.lead, stays.id)
    own = queries.scenarios_of_round(session, region.lead, region.round.id)[0]
    with pytest.raises(Refused, match="round’s own"):
        editing.remove_scenario(region.lead, own.id)


def test_a_run_that_another_came_of_keeps_its_scenario(session: Session, region: SmallRound) -> None:
    made = editing.create_scenario(region.lead, region.round.id, name="Parent")
    parent = RunFactory(round=session.get(Round, region.round.id), scenario=made)
    saved()
    own = queries.scenarios_of_round(session, region.lead, region.round.id)[0]
    RunFactory(round=parent.round, scenario=own, kind="hand", parent_id=parent.id)
    saved()
    with pytest.raises(Refused, match="stays in the record"):
        editing.remove_scenario(region.lead, made.id)
    assert session.get(Run, parent.id) is not None


def test_only_an_academy_lead_of_the_network_edits_scenarios(session: Session, region: SmallRound) -> None:
    made = editing.create_scenario(region.lead, region.round.id, name="One")
    stranger = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Elsewhere").id)
    for attempt in (
        lambda who: editing.create_scenario(who, region.round.id, name="Two"),
        lambda who: editing.begin_own_scenario(who, region.round.id),
        lambda who: editing.save_policy(who, made.id, version=made.version, policy=USUAL),
        lambda who: editing.rename_scenario(who, made.id, version=made.version, name="X", note=""),
        lambda who: editing.remove_scenario(who, made.id),
    ):
        with pytest.raises(NotFound):
            attempt(stranger)
        with pytest.raises(NotAllowed):
            attempt(viewer_as(Role.TRUST_EDUCATION_LEAD))
    assert json.loads(made.policy) == json.loads(USUAL)
