"""Pages of why, what else and moves by hand."""

from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select

from placements.allocations.service import adopt_run, publish_round
from placements.extensions import db
from placements.review import desk as desks
from placements.scenarios import solving
from placements.scenarios.models import Lock, Placing, Run
from tests.factories import PersonFactory, RunFactory
from tests.factories.region import SmallRound, small_round
from tests.web.pages import Page, page, sign_in
from tests.web.test_scenarios_pages import freeze

CIRCLE = "{http://www.w3.org/2000/svg}circle"
# Of the three pages that are counted, whatever the number of learners.
MOST_STATEMENTS = 60


@pytest.fixture
def lead(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory(name="Grace Adeyemi"))
    return client


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for their answers, however busy the machine is."""
    monkeypatch.setattr(desks, "WAIT_SECONDS", 60.0)


def matched(learners: int = 2, places: tuple[int, int] = (2, 2)) -> tuple[SmallRound, list[Placing]]:
    """A small round that was matched, and its placings: those with a place first."""
    region = small_round(learners=learners, places=places)
    run = RunFactory(round=region.round, state="queued")
    freeze(run)
    solving.perform_run(run.id)
    db.session.expire_all()
    assert run.state == "finished", run.message
    found = db.session.scalars(select(Placing).where(Placing.run_id == run.id).order_by(Placing.id)).all()
    return region, sorted(found, key=lambda placing: placing.department_id is None)


def other_than(region: SmallRound, placing: Placing) -> int:
    return next(d.id for d in region.departments if d.id != placing.department_id)


def follow(client: FlaskClient, found: Page, words: str) -> Page:
    """The page that the link with these words leads to."""
    (link,) = [a for a in found.all("a") if words in "".join(a.itertext())]
    return page(client.get(link.get("href", "")))


def commit(client: FlaskClient, address: str, reason: str) -> Page:
    """Fill in the reason on the page of a move, and press the button; the page that comes."""
    form = page(client.get(address)).one("form", action=address)
    seen = next(field.get("value", "") for field in form.iter("input") if field.get("name") == "seen")
    answer = client.post(address, data={"seen": seen, "reason": reason})
    assert answer.status_code == 302, page(answer).main
    return page(client.get(answer.location))


def test_a_placed_learners_page_says_why_here_and_what_else_costs(lead: FlaskClient) -> None:
    region, (placing, other) = matched(places=(1, 1))
    found = page(lead.get(f"/placings/{placing.id}"))
    assert "Why here" in found.main
    assert "The rules leave 2 departments open to this learner" in found.main
    assert "Without this place: 1 more not placed of priority" in found.main
    assert "Other places, and their price" in found.main
    there = next(d for d in region.departments if d.id != placing.department_id)
    assert there.name in found.main
    assert other.requirement.learner.reference in found.main
    assert f"/placings/{placing.id}/move?kind=move&department={there.id}" in "".join(
        a.get("href", "") for a in found.all("a")
    )


def test_a_left_over_learner_is_told_what_keeps_them_out_as_a_picture_and_in_words(lead: FlaskClient) -> None:
    region, placings = matched(learners=3, places=(1, 1))
    found = page(lead.get(f"/placings/{placings[-1].id}"))
    assert "What keeps this learner out" in found.main
    assert "3 learners, this one among them, cannot all be placed within these 2 limits" in found.main
    assert len(found.all(CIRCLE, class_="placements-proof__taken")) == 2
    assert len(found.all(CIRCLE, class_="placements-proof__left")) == 2
    for department in region.departments:
        assert f"{department.name} has no place left" in found.main


def test_a_move_is_told_then_made_with_a_reason_and_stands_on_the_new_runs_page(lead: FlaskClient) -> None:
    region, (placing, _) = matched()
    there = other_than(region, placing)
    address = f"/placings/{placing.id}/move?kind=move&department={there}"
    told = page(lead.get(address))
    assert "Nothing is saved yet" in told.main
    assert "No rule is broken, and nobody else moves" in told.main
    assert "What it costs" in told.main
    refused = lead.post(address, data={"seen": "", "reason": "x"})
    assert refused.status_code == 409
    assert "not what you were shown" in page(refused).main
    form = told.one("form", action=address)
    seen = next(field.get("value", "") for field in form.iter("input") if field.get("name") == "seen")
    empty = lead.post(address, data={"seen": seen, "reason": " "})
    assert empty.status_code == 400
    assert "Give a reason" in page(empty).main
    assert page(empty).title.startswith("Error: ")
    made = commit(lead, address, "Asked by the ward")
    assert "moved to" in made.main
    assert "You can undo it on this page" in made.main
    assert "because: Asked by the ward" in made.main
    assert "Grace Adeyemi" in made.main
    assert "Changed by hand, and checked" in made.main or "Proven to be the best" in made.main
    assert "Time taken" not in made.main, "nothing was searched"
    assert "Time taken" in page(lead.get(f"/runs/{placing.run_id}")).main
    # From the first run the way leads to the new one alone.
    old = page(lead.get(f"/placings/{placing.id}"))
    assert "goes on from this one by hand" in old.main
    assert not old.all("select", id="department")
    again = lead.post(address, data={"seen": seen, "reason": "Second thoughts"})
    assert again.status_code == 409
    assert "goes on from it" in page(again).main
    assert "Second thoughts" in page(again).main


def test_a_move_says_who_has_been_told_of_their_place_once_it_is_published(lead: FlaskClient) -> None:
    region, (placing, _) = matched()
    adopt_run(region.lead, placing.run_id)
    address = f"/placings/{placing.id}/move?kind=move&department={other_than(region, placing)}"
    assert "been told" not in page(lead.get(address)).main
    db.session.expire_all()
    publish_round(region.lead, region.round.id, version=region.round.version)
    assert "1 learner has been told of the place that they would leave" in page(lead.get(address)).main


def test_undo_leads_back_to_the_run_before_and_says_so_on_the_one_undone(lead: FlaskClient) -> None:
    region, (placing, _) = matched()
    commit(lead, f"/placings/{placing.id}/move?kind=move&department={other_than(region, placing)}", "Why not")
    made = db.session.scalars(select(Run).where(Run.kind == "hand")).one()
    back = lead.post(f"/runs/{made.id}/undo")
    assert urlsplit(back.location).path == f"/runs/{placing.run_id}"
    assert f"Run {made.id} is undone" in page(lead.get(back.location)).text
    assert "Undone by Grace Adeyemi" in page(lead.get(f"/runs/{made.id}")).main
    assert db.session.scalars(select(Lock.lifted_utc)).one() is not None
    assert lead.post(f"/runs/{made.id}/undo").status_code == 409


def test_a_full_place_names_who_is_there_and_others_may_make_room(lead: FlaskClient) -> None:
    region, (placing, other) = matched(places=(1, 1))
    found = page(lead.get(f"/placings/{placing.id}/move?kind=move&department={other_than(region, placing)}"))
    assert "With everyone else where they are, this is not possible" in found.main
    assert "has no place left, in 4 weeks from w/c" in found.main
    assert f"({other.requirement.learner.reference})" in found.main
    assert "It is possible if the learners below move too" in found.main


def test_a_rule_in_the_way_is_named_and_what_would_have_to_change_is_told(lead: FlaskClient) -> None:
    region, (placing,) = matched(learners=1, places=(1, 0))
    there = other_than(region, placing)
    found = page(lead.get(f"/placings/{placing.id}/move?kind=move&department={there}"))
    assert "This cannot be done" in found.main
    assert "Offer weeks" in found.main
    assert not found.all("textarea")
    way = follow(lead, found, "See what would have to change")
    assert "fewest changes" in way.main
    assert "1 more place at" in way.main


def test_a_swap_goes_by_reference_and_says_when_there_is_no_such_learner(lead: FlaskClient) -> None:
    _, (placing, other) = matched(places=(1, 1))
    reference = other.requirement.learner.reference
    found = page(lead.get(f"/placings/{placing.id}/move?kind=swap&with={reference}"))
    assert found.h1.startswith(f"Swap {placing.requirement.learner.reference} and {reference}")
    assert "What it costs" in found.main
    for wrong, words in (("", "Write the reference"), ("NOBODY", "No other learner of this run has")):
        refused = lead.get(f"/placings/{placing.id}/move?kind=swap&with={wrong}")
        assert refused.status_code == 400
        assert words in page(refused).main
    made = commit(lead, f"/placings/{placing.id}/move?kind=swap&with={reference}", "They asked")
    assert "swapped" in made.main


def test_pins_and_bans_say_what_later_runs_will_do(lead: FlaskClient) -> None:
    region, (placing, _) = matched()
    assert (
        "Later runs of this scenario will keep"
        in page(lead.get(f"/placings/{placing.id}/move?kind=pin")).main
    )
    there = other_than(region, placing)
    found = page(lead.get(f"/placings/{placing.id}/move?kind=ban&department={there}"))
    assert "is not there, so nobody moves" in found.main
    made = commit(lead, f"/placings/{placing.id}/move?kind=pin", "Settled there")
    assert "pinned at" in made.main


def test_a_choice_left_out_or_unknown_is_said(lead: FlaskClient) -> None:
    _, placings = matched(learners=3, places=(1, 1))
    address = f"/placings/{placings[0].id}/move"
    empty = lead.get(f"{address}?kind=move&department=")
    assert empty.status_code == 400
    assert "Choose where the learner should go" in page(empty).main
    assert lead.get(f"{address}?kind=dance").status_code == 404
    assert lead.get(f"{address}?kind=move&department=99999").status_code == 404
    nothing = lead.get(f"/placings/{placings[-1].id}/move?kind=pin")
    assert nothing.status_code == 400
    assert "nothing to pin" in page(nothing).main
    assert lead.get(f"/placings/{placings[0].id}/way?department=99999").status_code == 404


def test_a_departments_page_says_what_one_more_would_be_worth(lead: FlaskClient) -> None:
    region, placings = matched(learners=3, places=(1, 1))
    run = placings[0].run
    found = page(lead.get(f"/runs/{run.id}/departments/{region.departments[0].id}"))
    assert "One more place" in found.main
    assert "1 fewer not placed of priority" in found.main
    assert "Proven" in found.main
    assert lead.get(f"/runs/{run.id}/departments/99999").status_code == 404


def test_pages_that_have_no_answer_yet_say_so_and_where_to_look_again(
    lead: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    region, (placing, _) = matched()
    monkeypatch.setattr(desks, "waited_for", lambda answer, seconds=None: None)
    for module in ("of_run", "routes", "routes_worth"):
        monkeypatch.setattr(f"placements.review.{module}.waited_for", lambda answer, seconds=None: None)
    there = other_than(region, placing)
    for address in (
        f"/placings/{placing.id}",
        f"/placings/{placing.id}/move?kind=move&department={there}",
        f"/placings/{placing.id}/way?department={there}",
        f"/runs/{placing.run_id}/departments/{there}",
    ):
        found = page(lead.get(address))
        assert [a for a in found.all("a") if "Look again" in "".join(a.itertext())], address
        assert [part for part in found.root.iter() if part.get("data-waiting") is not None], address


@pytest.mark.parametrize("learners", [2, 9])
def test_the_statements_of_a_page_do_not_grow_with_the_learners(lead: FlaskClient, learners: int) -> None:
    region, placings = matched(learners=learners, places=(1, 1))
    move = f"/placings/{placings[0].id}/move?kind=move&department={other_than(region, placings[0])}"
    addresses = (f"/placings/{placings[0].id}", f"/placings/{placings[-1].id}", move)
    statements: list[str] = []

    def count(connection: object, cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    for address in addresses:
        lead.get(address)
    event.listen(db.engine, "before_cursor_execute", count)
    for address in addresses:
        lead.get(address)
    event.remove(db.engine, "before_cursor_execute", count)
    assert len(statements) <= MOST_STATEMENTS
