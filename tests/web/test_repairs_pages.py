"""Pages of the worklist and of a repair: what happened, setting aside, who moves and why, adopting."""

from dataclasses import asdict
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from placements import tasks
from placements.allocations.service import adopt_run, publish_round
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Interruption
from placements.extensions import db
from placements.repairs import routes_moves
from placements.repairs.models import TradeOff
from placements.repairs.trade_off import STEPS, Point
from placements.scenarios.models import Lock, Placing, Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.conftest import NOW_UTC
from tests.factories import PersonFactory, saved
from tests.factories.region import SmallRound, small_round
from tests.web.pages import page, sign_in

BEGUN = NOW_UTC.replace(year=2027, month=1, day=6)


@pytest.fixture
def region(site: object, monkeypatch: pytest.MonkeyPatch) -> SmallRound:
    """Three learners, two places: published as version 1 an hour ago."""
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)
    region = small_round(learners=3, places=(1, 1))
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    db.session.expire_all()
    adopt_run(region.lead, run_id)
    db.session.expire_all()
    publish_round(region.lead, region.round.id, version=region.round.version)
    set_clock(lambda: NOW_UTC + timedelta(hours=1))
    return region


@pytest.fixture
def lead(client: FlaskClient, region: SmallRound) -> FlaskClient:
    sign_in(client, PersonFactory(name="Lea Lead"))
    return client


def placed(region: SmallRound) -> list[Placing]:
    rows = db.session.scalars(select(Placing).where(Placing.department_id.is_not(None)).order_by(Placing.id))
    return list(rows)


def withdraw(region: SmallRound) -> str:
    """One of those placed withdraws; the reference."""
    learner = placed(region)[0].requirement.learner
    learner.interruptions.append(
        Interruption(kind="withdrawn", first_day=date(2027, 1, 4), last_day=None, recorded_utc=now_utc())
    )
    reference = learner.reference
    saved()
    return reference


def test_before_publication_the_page_says_what_it_is_for(client: FlaskClient) -> None:
    region = small_round()
    sign_in(client, PersonFactory())
    found = page(client.get(f"/rounds/{region.round.id}/worklist"))
    assert "Nothing is published in this round yet" in found.main
    assert not found.all("form", action=f"/rounds/{region.round.id}/repair")


def test_an_empty_list_says_so(lead: FlaskClient, region: SmallRound) -> None:
    found = page(lead.get(f"/rounds/{region.round.id}/worklist"))
    assert "Nothing that matters to the match has happened since version 1 was matched" in found.main
    # The waiting list sends leads here to fill what is free.
    assert "A repair can still give free places to learners who wait" in found.main
    assert any(form.get("action", "").endswith("/repair") for form in found.all("form"))
    assert "Nothing since version 1" in page(lead.get(f"/rounds/{region.round.id}")).main


def test_a_round_that_is_over_offers_neither_match_nor_repair_nor_freeze_nor_another_version(
    lead: FlaskClient, region: SmallRound
) -> None:
    withdraw(region)
    address = f"/rounds/{region.round.id}"
    over = NOW_UTC.replace(year=2027, month=2, day=10)
    set_clock(lambda: over)
    work = page(lead.get(f"{address}/worklist"))
    assert "nothing left to repair" in work.main
    freeze = page(lead.get(f"{address}/freeze"))
    assert "nothing to freeze" in freeze.main
    publications = page(lead.get(f"{address}/publications"))
    assert "no further version is published" in publications.main
    assert "since version 1" not in publications.main
    runs = page(lead.get(f"{address}/runs"))
    assert "no further match is run" in runs.main
    own = db.session.scalars(select(Run.scenario_id).where(Run.round_id == region.round.id)).first()
    scenario = page(lead.get(f"/scenarios/{own}"))
    for found in (work, freeze, publications, runs, scenario):
        offers = [form.get("action", "") for form in found.all("form", method="post")]
        assert not [action for action in offers if action.startswith(address)], "nothing is offered"
    assert not [link for link in publications.all("a") if link.get("href", "").endswith("/publish")]
    assert lead.get(f"{address}/publish").location == f"{address}/publications"
    assert "Over without a freeze" in page(lead.get(address)).main


def test_what_happened_is_listed_repaired_shown_and_adopted(lead: FlaskClient, region: SmallRound) -> None:
    reference = withdraw(region)
    address = f"/rounds/{region.round.id}/worklist"
    found = page(lead.get(address))
    assert "1 thing has happened" in found.main
    assert "touch 1 published place" in found.main
    assert f"{reference}, {region.hei.name}" in found.main
    assert "1 thing waits" in page(lead.get(f"/rounds/{region.round.id}")).main
    started = lead.post(f"/rounds/{region.round.id}/repair")
    run_id = int(started.location.rsplit("/", 1)[1])
    assert lead.get(f"/runs/{run_id}/moves").location == f"/runs/{run_id}"
    perform_run(run_id)
    assert "See who moves, and why" in page(lead.get(f"/runs/{run_id}")).main
    moves = page(lead.get(f"/runs/{run_id}/moves"))
    assert moves.h1.startswith("Nobody moves")
    assert "Proven the fewest moves" in moves.main
    assert "Was waiting, placed Takes a place that is free" in moves.main
    assert "1 published place is no longer needed" in moves.main
    (free,) = (row for row in moves.rows() if row[0].startswith(reference))
    assert free[1].startswith("Withdrawn from 4 January 2027")
    taken = page(lead.get(address))
    assert f"Run {run_id} has taken in all of it" in taken.main
    assert not taken.all("form", action=f"/rounds/{region.round.id}/repair")
    assert "Taken in by a newer run" in page(lead.get(f"/rounds/{region.round.id}")).main
    lead.post(f"/runs/{run_id}/adopt")
    assert "This repair stands" in page(lead.get(f"/runs/{run_id}/moves")).main


def test_moves_are_filtered_and_paged(
    lead: FlaskClient, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = placed(region)
    db.session.add(
        Lock(
            round_id=region.round.id,
            requirement_id=first.requirement_id,
            kind="ban",
            department_id=first.department_id,
            reason="No list.",
            made_utc=now_utc(),
        )
    )
    names = [row.requirement.learner.reference for row in (first, second)]
    saved()
    run_id = int(lead.post(f"/rounds/{region.round.id}/repair").location.rsplit("/", 1)[1])
    perform_run(run_id)
    found = page(lead.get(f"/runs/{run_id}/moves"))
    assert found.h1.startswith("2 placements move, proven the fewest")
    assert f"To make room for {names[0]}" in found.main
    assert "Lock:" in found.main
    only = page(lead.get(f"/runs/{run_id}/moves?kind=moved"))
    assert "Lock:" not in only.main
    assert only.value("kind") == "moved"
    assert page(lead.get(f"/runs/{run_id}/moves?kind=nonsense&page=99")).value("kind") == ""
    monkeypatch.setattr(routes_moves, "MOVES_A_PAGE", 1)
    assert "page 2 of 2" in page(lead.get(f"/runs/{run_id}/moves?page=2")).title


def test_an_item_is_set_aside_and_brought_back(lead: FlaskClient, region: SmallRound) -> None:
    reference = withdraw(region)
    address = f"/rounds/{region.round.id}/worklist"
    link = next(href for words, href in page(lead.get(address)).links().items() if "Set aside" in words)
    asked = page(lead.get(link))
    assert f"Set aside: {reference}" in asked.h1
    item = asked.value("item")
    wrong = lead.post(f"{address}/set-aside", data={"item": item, "reason": ""})
    assert wrong.status_code == 400
    assert set(page(wrong).errors) == {"reason"}
    long = page(lead.post(f"{address}/set-aside", data={"item": item, "reason": "x" * 501}))
    assert long.value("reason") == "x" * 501
    data = {"item": item, "reason": "The place stays empty."}
    done = page(lead.post(f"{address}/set-aside", data=data, follow_redirects=True))
    assert "The place stays empty. Lea Lead" in done.main
    assert "0 things" not in done.main
    again = lead.post(f"{address}/set-aside", data=data)
    assert again.status_code == 409
    assert "not waiting on the worklist any more" in page(again).main
    back = page(lead.post(f"{address}/bring-back", data={"item": item}, follow_redirects=True))
    assert "It is back on the worklist" in back.main
    assert "1 thing has happened" in back.main


def test_who_may_move_is_named_by_reference_and_typing_is_kept(lead: FlaskClient, region: SmallRound) -> None:
    withdraw(region)
    address = f"/rounds/{region.round.id}"
    assert not page(lead.get(f"{address}/worklist")).all("textarea")
    set_clock(lambda: BEGUN)
    assert "2 learners have begun a placement" in page(lead.get(f"{address}/worklist")).main
    wrong = lead.post(f"{address}/repair", data={"may_move": "NOBODY-1"})
    assert wrong.status_code == 400
    found = page(wrong)
    assert "NOBODY-1" in found.errors["may_move"]
    assert found.value("may_move") == "NOBODY-1"
    second = placed(region)[1].requirement
    name, wanted = second.learner.reference, f"r{second.id}"
    run_id = int(lead.post(f"{address}/repair", data={"may_move": f"{name},"}).location.rsplit("/", 1)[1])
    assert db.session.get_one(Run, run_id).settings["may_move"] == [wanted]


def test_a_second_press_is_refused_in_words(lead: FlaskClient, region: SmallRound) -> None:
    withdraw(region)
    address = f"/rounds/{region.round.id}/repair"
    assert lead.post(address).status_code == 302
    again = lead.post(address)
    assert again.status_code == 409
    assert "already under way" in page(again).main


def test_the_trade_off_is_asked_for_drawn_and_used(lead: FlaskClient, region: SmallRound) -> None:
    withdraw(region)
    run_id = int(lead.post(f"/rounds/{region.round.id}/repair").location.rsplit("/", 1)[1])
    address = f"/runs/{run_id}/trade-off"
    assert "Only a finished repair" in page(lead.get(address)).main
    assert lead.post(address).status_code == 409
    perform_run(run_id)
    assert page(lead.get(f"/runs/{run_id}/moves")).links()["What would more moves save in travel?"] == address
    assert "Find what more moves would save" in page(lead.get(address)).main
    waiting = page(lead.post(address, follow_redirects=True))
    assert f"0 of {len(STEPS)} answers are found" in waiting.main
    assert lead.post(address).status_code == 409
    row = db.session.scalars(select(TradeOff)).one()
    points = [
        Point("fewest", 2, 1000, 50, 1, 0.0),
        Point("60", 5, 860, 50, 1, 0.0),
        Point("0", 9, 850, 51, 0, 1.5),
    ]
    row.points, row.state, row.message = [asdict(point) for point in points], "failed", "It was given up."
    db.session.commit()
    found = page(lead.get(address))
    assert f"3 of {len(STEPS)} are. It was given up." in found.main
    assert "Find the rest" in found.main
    assert "3 more moves save 2 h 20 min one way, all together" in found.main
    assert "4 more moves save 10 min one way, all together, 1 more placed" in found.main
    assert "Within 1.5%" in found.main
    svg = "{http://www.w3.org/2000/svg}"
    assert (len(found.all(f"{svg}circle")), len(found.all(f"{svg}polyline"))) == (2, 1)
    used = lead.post(f"{address}/use", data={"step": "60"})
    assert used.status_code == 302
    assert lead.post(f"{address}/use", data={"step": "60"}).status_code == 409
    perform_run(int(used.location.rsplit("/", 1)[1]))
    chosen = page(lead.get(f"{used.location}/moves"))
    assert f"Chosen from the trade-off of run {run_id}" in chosen.main
    assert "proven" not in chosen.h1
