"""Pages about capacity: the board and the grid."""

import re
from datetime import date
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from placements.capacity.models import Declaration
from placements.extensions import db
from placements.organisations.models import Department
from placements.rounds.models import Round
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    PersonFactory,
    PlanLineFactory,
    RoundFactory,
    SupervisionWeightFactory,
    saved,
)
from tests.web.pages import page, sign_in

COLUMNS = ("preferred", "maximum", "wte")


@pytest.fixture
def declaring(client: FlaskClient) -> tuple[str, Round, Department]:
    """A practice educator signed in, and the address of a department's empty grid of two blocks."""
    round_ = RoundFactory()
    BlockFactory(round=round_, name="Block 1", weeks=2)
    BlockFactory(round=round_, name="Block 2", first_week=round_.last_week, weeks=1)
    department = DepartmentFactory()
    educator = PersonFactory(role="practice_educator", trust_id=department.site.trust_id, name="Priya Nair")
    saved()
    sign_in(client, educator)
    return f"/rounds/{round_.id}/capacity/{department.id}", round_, department


def typed(round_: Round, preferred: str = "2", maximum: str = "3", wte: str = "1.5") -> dict[str, str]:
    values = dict(zip(COLUMNS, (preferred, maximum, wte), strict=True))
    cells = {
        f"{column}-{week.isoformat()}": values[column] for week in round_.block_weeks() for column in COLUMNS
    }
    return cells | {"version": "0"}


def version(text: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', text)
    assert found
    return found[1]


def test_a_draft_is_saved_and_shown_then_submitted(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, _ = declaring
    assert "Not declared" in page(client.get(address)).main
    answer = client.post(address, data=typed(round_) | {"save": "save"}, follow_redirects=True)
    assert "The draft is saved" in answer.text
    assert answer.text.count('value="1.5"') == 3
    again = typed(round_, maximum="4") | {"version": version(answer.text), "submit": "submit"}
    answer = client.post(address, data=again, follow_redirects=True)
    assert "submitted. The match can use these places once they are approved." in answer.text
    row = db.session.query(Declaration).one()
    db.session.refresh(row)
    assert (row.state, {week.maximum for week in row.lines[0].weeks}) == ("submitted", {4})
    assert "1 of 1 department submitted" in page(client.get(f"/rounds/{round_.id}/capacity")).main


@pytest.mark.parametrize("value", ["-1", "1e9", "two", "1000", "3.5", "½", "=1+1", "9999999999", "٣٣٣"])
def test_places_that_cannot_be_right_are_named_and_the_typing_kept(
    client: FlaskClient, declaring: tuple[str, Round, Department], value: str
) -> None:
    address, round_, _ = declaring
    first = round_.block_weeks()[0].isoformat()
    data = typed(round_) | {f"maximum-{first}": value, "save": "save"}
    answer = client.post(address, data=data)
    found = page(answer)
    assert answer.status_code == 400
    assert found.title.startswith("Error:")
    assert f"Week of 4 January 2027, most places: “{value}” cannot be right" in found.main
    assert "whole number from 0 to 99" in found.main
    (cell,) = [cell for cell in found.all("input") if cell.get("id") == f"maximum-{first}"]
    assert cell.get("value") == value
    assert cell.get("aria-invalid") == "true"
    assert answer.text.count('value="1.5"') == 3
    assert db.session.query(Declaration).count() == 0


@pytest.mark.parametrize("value", ["-1", "1e9", "half", "100", "0.333", "NaN", "inf"])
def test_wte_that_cannot_be_right_is_named(
    client: FlaskClient, declaring: tuple[str, Round, Department], value: str
) -> None:
    address, round_, _ = declaring
    answer = client.post(address, data=typed(round_, wte=value) | {"save": "save"})
    assert answer.status_code == 400
    main = page(answer).main
    assert f"educator WTE: “{value}” cannot be right: enter a number from 0 to 99" in main
    assert "with at most two decimals, such as 1.5" in main
    assert db.session.query(Declaration).count() == 0


@pytest.mark.parametrize(("value", "saved_as"), [("", 0), (" 3 ", 3), ("3.0", 3), ("0", 0)])
def test_figures_are_read_as_people_write_them(
    client: FlaskClient, declaring: tuple[str, Round, Department], value: str, saved_as: int
) -> None:
    address, round_, _ = declaring
    data = typed(round_, preferred="0", maximum=value, wte="1,5") | {"save": "save"}
    assert client.post(address, data=data).status_code == 302
    row = db.session.query(Declaration).one()
    assert {week.maximum for week in row.lines[0].weeks} == {saved_as}
    assert {str(week.wte) for week in row.wte} == {"1.50"}


def test_a_long_value_is_kept_whole_and_said_short(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, _ = declaring
    value = "3" + " " * 30 + "or perhaps four"
    answer = client.post(address, data=typed(round_, maximum=value) | {"save": "save"})
    found = page(answer)
    assert answer.status_code == 400
    assert found.value(f"maximum-{round_.first_week.isoformat()}") == value
    assert "perhaps" not in found.main


def test_a_week_in_two_blocks_has_one_row(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, _ = declaring
    BlockFactory(round=round_, name="Block 3", first_week=date(2027, 1, 11), weeks=2)
    BlockFactory(round=round_, name="Block 4", first_week=date(2027, 1, 11), weeks=1)
    saved()
    found = page(client.get(address))
    for name in ("Block 3", "Block 4"):
        assert f"The weeks that {name} shares with an earlier block (11 Jan) have their" in found.main
    assert len(found.rows()) == len(round_.block_weeks())
    assert client.post(address, data=typed(round_) | {"save": "save"}).status_code == 302


def test_more_preferred_than_most_is_refused(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, _ = declaring
    answer = client.post(address, data=typed(round_, preferred="4") | {"save": "save"})
    assert answer.status_code == 400
    assert "4 is more than the most places, 3" in page(answer).main


def test_a_block_is_filled_from_its_first_week_without_javascript_and_nothing_is_saved(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, _ = declaring
    first, second, third = (week.isoformat() for week in round_.block_weeks())
    data = typed(round_, "", "", "") | {f"maximum-{first}": "7", "fill": str(round_.blocks[0].id)}
    found = page(client.post(address, data=data))
    cells = {cell.get("id"): cell.get("value") for cell in found.all("input")}
    assert (cells[f"maximum-{second}"], cells[f"maximum-{third}"]) == ("7", "")
    assert "Nothing is saved yet" in found.main
    assert db.session.query(Declaration).count() == 0


def test_a_clash_shows_both_and_keeps_the_typing(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, department = declaring
    colleague = PersonFactory(role="practice_educator", trust_id=department.site.trust_id, name="Tom Reed")
    DeclarationFactory(round=round_, department=department, maximum=9, changed_by_id=colleague.id)
    saved()
    answer = client.post(address, data=typed(round_) | {"save": "save"})
    found = page(answer)
    assert answer.status_code == 409
    assert "Tom Reed has saved something else" in found.main
    assert found.main.count("They saved 9") == 3
    assert "24 November 2026 at 9:30am" in found.main
    assert answer.text.count('value="1.5"') == 3
    again = typed(round_) | {"version": version(answer.text), "save": "save"}
    assert client.post(address, data=again).status_code == 302
    db.session.expire_all()
    assert {week.maximum for week in db.session.query(Declaration).one().lines[0].weeks} == {3}


def test_effective_places_say_what_limits_them(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, department = declaring
    line = PlanLineFactory(block=round_.blocks[0], modalities=[department.modality])
    SupervisionWeightFactory(learner_group_id=line.programme.learner_group_id, weight=Decimal("0.5"))
    DeclarationFactory(round=round_, department=department, maximum=5, each_wte=Decimal("1.25"))
    saved()
    found = page(client.get(address)).main
    assert "one for each 0.5 WTE" in found
    assert found.count("2 limited by WTE") == 3


def test_an_academy_lead_reads_the_board_and_the_grid_but_changes_nothing(
    client: FlaskClient, declaring: tuple[str, Round, Department]
) -> None:
    address, round_, department = declaring
    DeclarationFactory(round=round_, department=department)
    DepartmentFactory()
    lead = PersonFactory(role="academy_lead")
    saved()
    client.post("/sign-out")
    sign_in(client, lead)
    board = page(client.get(f"/rounds/{round_.id}/capacity"))
    assert "1 of 2 departments submitted, 1 not declared" in board.main
    assert ["2", "3"] in [row[3:5] for row in board.rows()]
    only = page(client.get(f"/rounds/{round_.id}/capacity?show=not_declared"))
    assert department.site.name not in only.main
    grid = page(client.get(address))
    assert [cell for cell in grid.all("input") if cell.get("id")] == []
    assert client.post(address, data=typed(round_) | {"save": "save"}).status_code == 403


def test_a_trust_without_departments_is_told_so(client: FlaskClient) -> None:
    round_ = RoundFactory()
    sign_in(client, PersonFactory(role="practice_educator"))
    assert "There is no department yet" in page(client.get(f"/rounds/{round_.id}/capacity")).main
