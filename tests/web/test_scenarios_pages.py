"""Pages about runs: start, watch, read the result, the load, every placing and every reason."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select

from placements.clock import now_utc
from placements.cohorts.models import Cohort
from placements.extensions import db
from placements.scenarios import snapshot, solving
from placements.scenarios.describing import RULES
from placements.scenarios.frozen import keep
from placements.scenarios.models import Placing, Run
from tests.factories import (
    BlockFactory,
    CohortFactory,
    DeclarationFactory,
    DepartmentFactory,
    LearnerFactory,
    PersonFactory,
    PlacingFactory,
    PlanLineFactory,
    RequirementFactory,
    RoundFactory,
    RunFactory,
    SiteFactory,
    saved,
    summary_of,
)
from tests.factories.region import SmallRound, small_round
from tests.web.pages import page, sign_in


@pytest.fixture
def lead(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory())
    return client


def finished(learners: int = 3, places: tuple[int, int] = (1, 1)) -> tuple[SmallRound, Run]:
    """A small round with a run that the real engine finished."""
    region = small_round(learners=learners, places=places)
    run = RunFactory(round=region.round, state="queued")
    freeze(run)
    solving.perform_run(run.id)
    db.session.expire_all()
    assert run.state == "finished", run.message
    return region, run


def freeze(run: Run) -> None:
    frozen = snapshot.freeze(db.session, run.round)
    run.snapshot = keep(db.session, frozen.problem.to_json(), frozen.uploaded_travel)
    run.policy = snapshot.default_policy()
    saved()


def test_a_round_without_runs_says_what_a_run_would_use(lead: FlaskClient) -> None:
    region = small_round(learners=3)
    CohortFactory(round=region.round, state="draft")
    DeclarationFactory(round=region.round, department=DepartmentFactory(), state="draft", submitted_utc=None)
    saved()
    found = page(lead.get(f"/rounds/{region.round.id}/runs"))
    assert "1 cohort submitted, with 3 learners; 1 more cohort is a draft" in found.main
    assert "2 departments have approved places; 1 department has changes that are not approved" in found.main
    assert "has not been run yet" in found.main
    assert found.one("form", action=f"/rounds/{region.round.id}/runs") is not None


def test_a_run_is_started_watched_and_cancelled(lead: FlaskClient) -> None:
    region = small_round()
    address = f"/rounds/{region.round.id}/runs"
    started = lead.post(address)
    assert started.status_code == 302
    watched = page(lead.get(started.location))
    assert "Queued" in watched.h1
    assert "Waiting to begin" in watched.main
    assert "worker may have stopped" not in watched.main
    (script,) = [e for e in watched.all("script") if "run.js" in e.get("src", "")]
    assert script.get("type") == "module"

    listed = page(lead.get(address))
    run_id = int(started.location.rsplit("/", 1)[1])
    assert f"Run {run_id} is waiting to begin: watch it" in listed.links()
    assert not [e for e in listed.all("form") if e.get("action") == address], (
        "the button is not there meanwhile"
    )

    again = lead.post(address)
    assert again.status_code == 409
    refused = page(again)
    assert "already under way" in refused.errors["start"]

    cancelled = page(lead.post(f"/runs/{run_id}/cancel", follow_redirects=True))
    assert "The run was cancelled" in cancelled.main
    assert "Cancelled" in cancelled.h1
    assert "what stood before still stands" in cancelled.main
    assert lead.post(f"/runs/{run_id}/cancel").status_code == 409


@pytest.mark.parametrize(
    ("missing", "words"), [("cohorts", "nobody to place"), ("declarations", "nowhere to place")]
)
def test_a_run_without_learners_or_places_is_refused_in_words(
    lead: FlaskClient, missing: str, words: str
) -> None:
    region = small_round(places=(0, 0) if missing == "declarations" else (1, 1))
    if missing == "cohorts":
        for cohort in db.session.scalars(select(Cohort)):
            cohort.state = "draft"
        saved()
    response = lead.post(f"/rounds/{region.round.id}/runs")
    assert response.status_code == 409
    assert words in page(response).errors["start"]
    assert db.session.scalars(select(Run)).all() == []


def test_progress_is_given_to_the_script_and_to_the_page_in_the_same_words(lead: FlaskClient) -> None:
    progress = {"stage": "part 2 of 4", "incumbent": 1212, "bound": 64, "seconds": 3.4}
    run = RunFactory(state="running", progress=progress, started_utc=now_utc(), heartbeat_utc=now_utc())
    saved()
    answer = lead.get(f"/runs/{run.id}/progress", headers={"Accept": "application/json"})
    assert answer.json == progress | {
        "state": "running",
        "words": "Placing learners (part 2 of 4)",
        "percent": 50,
        "gap": 1148,
        "curve": None,
    }
    found = page(lead.get(f"/runs/{run.id}"))
    for words in ("Placing learners (part 2 of 4)", "1,212", "at least 64", "3 seconds"):
        assert words in found.main
    assert found.one("progress").get("value") == "50"
    assert found.one("progress").get("aria-label")
    assert "Look again now" in found.links(), "without a script the page is read again by hand"


def test_a_run_that_nobody_takes_up_says_whom_to_tell(lead: FlaskClient) -> None:
    run = RunFactory(state="queued", requested_utc=now_utc() - timedelta(minutes=1))
    saved()
    assert "worker may have stopped" in page(lead.get(f"/runs/{run.id}")).main


def test_a_failed_run_says_why_and_what_to_do(lead: FlaskClient) -> None:
    run = RunFactory(state="failed", message="The worker stopped in the middle of this run 3 times.")
    saved()
    found = page(lead.get(f"/runs/{run.id}"))
    assert "Failed" in found.h1
    assert "The worker stopped in the middle of this run 3 times." in found.main
    assert f"the number of this run, {run.id}" in found.main
    assert found.one("form", action=f"/rounds/{run.round_id}/runs") is not None


def test_the_result_says_who_is_placed_and_what_is_proven(lead: FlaskClient) -> None:
    region, run = finished(learners=3)
    found = page(lead.get(f"/runs/{run.id}"))
    assert found.h1.startswith("2 of 3 placed (66.7%)")
    for words in (
        "Learners with every placement they need 2 of 3",
        "Proven to be the best",
        "1 placement was not found because the departments that are possible are full",
        "Times are estimates",
        "No learner who was placed had listed sites",
        "1 of 1, full",
    ):
        assert words in found.main, words
    rows = found.rows()
    assert [region.block.name, "2 of 3", "66.7%"] in rows
    assert [region.hei.name, "2 of 3", "66.7%"] in rows
    assert any(row[0] == "Priority 2, not placed" and row[1:] == ["1", "1", "Proven"] for row in rows)
    assert found.one("form", action=f"/runs/{run.id}/adopt") is not None
    assert found.links()["See who has no place, and why"] == f"/runs/{run.id}/placings?show=unplaced"
    listed = page(lead.get(f"/rounds/{region.round.id}/runs"))
    (row,) = listed.rows()
    assert row[3].endswith("2 of 3 (66.7%)")
    assert "Proven to be the best" in row[4]
    assert row[5].endswith("Not adopted")


def test_the_result_says_where_one_more_place_would_help(lead: FlaskClient) -> None:
    block = BlockFactory()
    department = DepartmentFactory(site=SiteFactory(name="Busy Hospital"))
    price = {
        "level": "department",
        "key": f"d{department.id}",
        "week": "2027-01-04",
        "weeks": ["2027-01-04", "2027-01-11"],
        "places": 2,
        "placed": 1,
        "points": 3.5,
    }
    worth = [price | {"rule": "places"}, price | {"rule": "supervision", "places": 1}]
    run = RunFactory(round=block.round, summary=summary_of(requirements=5, placed=4, worth=worth))
    saved()
    found = page(lead.get(f"/runs/{run.id}"))
    assert "One more place in any one of these would let one more learner be placed" in found.main
    assert ["X-ray, Busy Hospital", block.name, "2 places"] in found.rows()
    assert ["X-ray, Busy Hospital", block.name, "Supervision for 1 learner"] in found.rows()


def test_a_result_with_nobody_placed_is_a_page_too(lead: FlaskClient) -> None:
    run = RunFactory(summary=summary_of(requirements=2, learners=2, reasons={"rules": 2}))
    saved()
    found = page(lead.get(f"/runs/{run.id}"))
    assert found.h1.startswith("0 of 2 placed (0.0%)")
    for words in (
        "2 placements were not found because a rule removes every site",
        "Nobody was placed, so there is no travel to show",
        "No department offered places",
    ):
        assert words in found.main, words


def test_a_result_within_a_gap_claims_no_more(lead: FlaskClient) -> None:
    tiers = [{"name": "unplaced_priority_1", "value": 5, "bound": 3, "gap": 0.4}]
    run = RunFactory(summary=summary_of(status="gap", requirements=9, placed=4, tiers=tiers))
    saved()
    found = page(lead.get(f"/runs/{run.id}"))
    assert "at most 2 more could be placed" in found.main
    assert "Proven to be the best" not in found.main
    assert ["Priority 1, not placed", "5", "3", "Not proven"] in found.rows()
    assert "At most 2 more could be placed" in page(lead.get(f"/rounds/{run.round_id}/runs")).main


def test_the_load_is_filtered_by_fullness_and_modality(lead: FlaskClient) -> None:
    block = BlockFactory()
    full, heavy, free = (
        DepartmentFactory(site=SiteFactory(name=f"{name} Hospital"))
        for name in ("Full", "Heavily Loaded", "Free")
    )
    load = [
        {"department": row.id, "block": str(block.id), "placed": placed, "places": 2, "load_percent": percent}
        for row, placed, percent in ((full, 2, 60), (heavy, 1, 95), (free, 0, None))
    ]
    run = RunFactory(round=block.round, summary=summary_of(load=load))
    saved()

    def named(query: str) -> list[str]:
        return [row[0] for row in page(lead.get(f"/runs/{run.id}/load?{query}")).rows()]

    assert named("") == ["X-ray, Full Hospital", "X-ray, Heavily Loaded Hospital", "X-ray, Free Hospital"]
    assert named("show=full") == ["X-ray, Full Hospital"]
    assert named("show=heavy") == ["X-ray, Heavily Loaded Hospital"]
    assert named("show=room") == ["X-ray, Heavily Loaded Hospital", "X-ray, Free Hospital"]
    assert named("modality=X-ray&show=nonsense") == named("")
    nothing = page(lead.get(f"/runs/{run.id}/load?modality=CT"))
    assert "No department is like that" in nothing.main
    assert "95% load, heavy" in page(lead.get(f"/runs/{run.id}/load")).main


def many_placings(number: int) -> Run:
    round_ = RoundFactory()
    block = BlockFactory(round=round_)
    line = PlanLineFactory(block=block)
    cohort = CohortFactory(round=round_, programme=line.programme, stage=line.stage)
    run = RunFactory(round=round_)
    department = DepartmentFactory()
    reason = {
        "kind": "rules",
        "rules": {"travel_limit": [department.site_id]},
        "departments": [],
        "competing": [],
        "caps": [],
        "proven": True,
    }
    for index in range(number):
        learner = LearnerFactory(cohort=cohort, reference=f"BCU-{index:03d}")
        requirement = RequirementFactory(learner=learner, plan_line=line, block=block)
        unplaced = index % 10 == 0
        PlacingFactory(
            run=run,
            requirement=requirement,
            reason=reason if unplaced else None,
            department=None if unplaced else department,
        )
    saved()
    return run


def test_placings_are_filtered_and_paged_and_the_filters_stay(lead: FlaskClient) -> None:
    run = many_placings(120)
    address = f"/runs/{run.id}/placings"
    first = page(lead.get(address))
    assert "120 placings, page 1 of 3" in first.main
    assert len(first.rows()) == 50
    unplaced = page(lead.get(f"{address}?show=unplaced"))
    assert "12 placings." in unplaced.main
    assert unplaced.value("show") == "unplaced"
    assert "The only site with the modality is beyond the travel limit." in unplaced.main
    hei_id = db.session.scalars(select(Placing)).first().requirement.learner.hei_id  # type: ignore[union-attr]
    filtered = page(lead.get(f"{address}?show=placed&hei={hei_id}&reference=bcu-0"))
    assert "90 placings, page 1 of 2" in filtered.main
    (onward,) = [href for words, href in filtered.links().items() if words.startswith("Next")]
    second = page(lead.get(onward))
    assert len(second.rows()) == 40
    assert (second.value("show"), second.value("hei"), second.value("reference")) == (
        "placed",
        str(hei_id),
        "bcu-0",
    )
    assert "No placing is like that" in page(lead.get(f"{address}?reference=nobody")).main
    beyond = lead.get(f"{address}?page=99&show=placed")
    assert (beyond.status_code, beyond.location) == (302, f"{address}?show=placed&page=3")
    assert len(page(lead.get(f"{address}?page=-1&block=x&hei={10**30}")).rows()) == 50


def test_a_page_of_placings_asks_the_database_no_more_for_more_rows(lead: FlaskClient) -> None:
    def statements(run: Run) -> int:
        db.session.expire_all()
        asked: list[str] = []

        def ask(*arguments: object) -> None:
            asked.append(str(arguments[2]))

        event.listen(db.engine, "before_cursor_execute", ask)
        try:
            assert lead.get(f"/runs/{run.id}/placings").status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", ask)
        return len(asked)

    few, many = many_placings(3), many_placings(45)
    assert statements(few) == statements(many) < 20


def test_a_placing_says_where_and_how_far(lead: FlaskClient) -> None:
    _, run = finished(learners=1)
    placing = db.session.scalars(select(Placing)).one()
    found = page(lead.get(f"/placings/{placing.id}"))
    learner = placing.requirement.learner
    assert found.h1.startswith(f"Learner {learner.reference}: X-ray, ")
    assert "min, an estimate" in found.main
    assert "The learner listed no sites" in found.main
    assert found.links()[f"Placings of run {run.id}"] == f"/runs/{run.id}/placings"
    placing.travel_is_estimated, placing.preference_rank = False, 2
    saved()
    found = page(lead.get(f"/placings/{placing.id}"))
    assert "from the uploaded table of travel times" in found.main
    assert "Number 2 on the learner's list" in found.main


def test_a_shortage_names_the_full_departments_and_who_competes(lead: FlaskClient) -> None:
    region, _ = finished(learners=3)
    placing = db.session.scalars(select(Placing).where(Placing.department_id.is_(None))).one()
    found = page(lead.get(f"/placings/{placing.id}"))
    assert "not placed" in found.h1
    assert "3 learners compete for 2 places there." in found.main
    assert "someone is left over: counting shows it" in found.main
    for department in region.departments:
        assert [department.name, "1 place, w/c 4 Jan"] in found.rows()
    for learner in region.learners:
        assert learner.reference in found.main
    assert "(this learner)" in found.main


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_says_what_it_is_and_what_might_lift_it(lead: FlaskClient, rule: str) -> None:
    site = SiteFactory(name="Faraway Hospital")
    reason = {
        "kind": "rules",
        "rules": {rule: [site.id]},
        "departments": [],
        "competing": [],
        "caps": [],
        "proven": True,
    }
    placing = PlacingFactory(reason=reason)
    saved()
    found = page(lead.get(f"/placings/{placing.id}"))
    assert f"1 site {RULES[rule][0]}" in found.main
    assert "Faraway Hospital" in found.main
    assert "What might lift it:" in found.main


def test_the_rounds_page_says_how_the_match_stands(lead: FlaskClient) -> None:
    region = small_round()
    address = f"/rounds/{region.round.id}"
    assert "Not run yet" in page(lead.get(address)).main
    RunFactory(round=region.round, summary=summary_of(requirements=1468, placed=1450))
    saved()
    assert "1,450 of 1,468 placed in the last run" in page(lead.get(address)).main
