"""The declaration grid as plain forms, and what a script saves."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from placements.access import Role
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.models import Declaration
from placements.capacity.queries import content_of
from placements.capacity.service import save_declaration
from placements.extensions import db
from placements.organisations.models import Department, PlaceRate
from placements.rounds.models import Round
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    LearnerGroupFactory,
    ModalityFactory,
    PersonFactory,
    PlanLineFactory,
    RoundFactory,
    SiteFactory,
    SupervisionWeightFactory,
    saved,
    viewer_as,
)
from tests.web.pages import Page, page, sign_in

FIRST, SECOND, THIRD = "2027-01-04", "2027-01-11", "2027-03-29"


class Declaring:
    """A practice educator signed in before a department's empty grid of two blocks."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.round: Round = RoundFactory()
        BlockFactory(round=self.round, name="Block 1", weeks=2)
        BlockFactory(round=self.round, name="Block 2", first_week=self.round.last_week, weeks=1)
        self.department: Department = DepartmentFactory()
        self.trust_id = self.department.site.trust_id
        person = PersonFactory(role="practice_educator", trust_id=self.trust_id, name="Priya Nair")
        saved()
        sign_in(client, person)
        self.id, self.grid = self.department.id, f"/rounds/{self.round.id}/capacity/grid"
        self.address = f"/rounds/{self.round.id}/capacity/{self.id}"

    def typed(
        self, preferred: str = "2", maximum: str = "3", wte: str = "1.5", department_id: int = 0
    ) -> dict[str, str]:
        id_ = department_id or self.id
        cells = {f"{id_}.version": "0"}
        for week in (FIRST, SECOND, THIRD):
            cells[f"{id_}.any.preferred.{week}"] = preferred
            cells[f"{id_}.any.maximum.{week}"] = maximum
            cells[f"{id_}.any.surge.{week}"] = ""
            cells[f"{id_}.educators.wte.{week}"] = wte
        return cells

    def cells(self, cells: dict[str, str], version: int = 0, **more: Any) -> Any:
        """What the script's address answers for this department."""
        sent = {"departments": {str(self.id): {"version": version, "cells": cells} | more}}
        answer = self.client.post(f"/rounds/{self.round.id}/capacity/cells", json=sent)
        assert answer.status_code == 200, answer.text
        return answer.json["departments"][str(self.id)]

    def stored(self) -> Declaration:
        row = db.session.query(Declaration).filter_by(department_id=self.id).one()
        db.session.refresh(row)
        return row

    def most(self) -> list[int]:
        """The most places for anyone by week, as stored."""
        content = content_of(self.stored())
        return [content.places(ANYONE, week).maximum for week in self.round.block_weeks()]

    def colleague_saves(self, maximum: int, weeks: int | None = None) -> None:
        """Tom Reed saves the most of every week, or of the first few."""
        person = PersonFactory(role="practice_educator", trust_id=self.trust_id, name="Tom Reed")
        tom = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=self.trust_id)
        tom = type(tom)(person.id, person.name, tom.role, trust_id=self.trust_id)
        row = db.session.query(Declaration).filter_by(department_id=self.id).one_or_none()
        old = content_of(row)
        mondays = self.round.block_weeks()
        places = {week: old.places(ANYONE, week) for week in mondays}
        places |= {week: Places(places[week].preferred, maximum) for week in mondays[:weeks]}
        save_declaration(
            tom,
            self.round.id,
            self.id,
            version=row.version if row else 0,
            content=Content({ANYONE: places}, old.wte),
        )


@pytest.fixture
def declaring(client: FlaskClient) -> Declaring:
    return Declaring(client)


def row_of(found: Page, heading: str, which: int = 0) -> list[str]:
    """The cells of a row by its heading, without the heading."""
    return [row for row in found.rows() if row[0] == heading][which][1:]


def test_a_draft_is_saved_and_shown_then_submitted(declaring: Declaring) -> None:
    client = declaring.client
    assert "Not declared" in page(client.get(declaring.address)).main
    answer = client.post(declaring.address, data=declaring.typed() | {"save": "save"}, follow_redirects=True)
    assert "The draft is saved" in answer.text
    assert answer.text.count('value="1.5"') == 3
    again = declaring.typed(maximum="4") | {f"{declaring.id}.version": "1", "submit": str(declaring.id)}
    answer = client.post(declaring.address, data=again, follow_redirects=True)
    assert "submitted. The match can use these places once they are approved." in answer.text
    assert (declaring.stored().state, declaring.most()) == ("submitted", [4, 4, 4])


@pytest.mark.parametrize("value", ["-1", "1e9", "two", "1000", "3.5", "½", "=1+1", "9999999999", "٣٣٣"])
def test_places_that_cannot_be_right_are_named_and_the_typing_kept(declaring: Declaring, value: str) -> None:
    cell = f"{declaring.id}.any.maximum.{FIRST}"
    answer = declaring.client.post(declaring.address, data=declaring.typed() | {cell: value, "save": "save"})
    found = page(answer)
    assert answer.status_code == 400
    assert f"Week of 4 January 2027, most places: “{value}” cannot be right" in found.errors[cell]
    assert "whole number from 0 to 99" in found.errors[cell]
    (field,) = found.all("input", id=cell)
    assert (field.get("value"), field.get("aria-invalid")) == (value, "true")
    assert answer.text.count('value="1.5"') == 3
    assert db.session.query(Declaration).count() == 0


@pytest.mark.parametrize("value", ["-1", "1e9", "half", "100", "0.333", "NaN", "inf"])
def test_wte_that_cannot_be_right_is_named(declaring: Declaring, value: str) -> None:
    answer = declaring.client.post(declaring.address, data=declaring.typed(wte=value) | {"save": "save"})
    assert answer.status_code == 400
    main = page(answer).main
    assert f"educator WTE: “{value}” cannot be right: enter a number from 0 to 99" in main
    assert "with at most two decimals, such as 1.5" in main
    assert db.session.query(Declaration).count() == 0


@pytest.mark.parametrize(("value", "saved_as"), [("", 0), (" 3 ", 3), ("3.0", 3), ("0", 0)])
def test_figures_are_read_as_people_write_them(declaring: Declaring, value: str, saved_as: int) -> None:
    data = declaring.typed(preferred="0", maximum=value, wte="1,5") | {"save": "save"}
    assert declaring.client.post(declaring.address, data=data).status_code == 302
    assert declaring.most() == [saved_as] * 3
    assert {str(week.wte) for week in declaring.stored().wte} == {"1.50"}


def test_a_long_value_is_kept_whole_and_said_short(declaring: Declaring) -> None:
    value = "3" + " " * 30 + "or perhaps four"
    answer = declaring.client.post(declaring.address, data=declaring.typed(maximum=value) | {"save": "save"})
    found = page(answer)
    assert answer.status_code == 400
    assert found.value(f"{declaring.id}.any.maximum.{FIRST}") == value
    assert "perhaps" not in found.main


def test_a_week_in_two_blocks_has_one_column(declaring: Declaring) -> None:
    BlockFactory(round=declaring.round, name="Block 3", first_week=date(2027, 1, 11), weeks=2)
    BlockFactory(round=declaring.round, name="Block 4", first_week=date(2027, 1, 11), weeks=1)
    saved()
    found = page(declaring.client.get(declaring.address))
    for name in ("Block 3", "Block 4"):
        assert f"The weeks that {name} shares with an earlier block (11 Jan) have their" in found.main
    assert len(row_of(found, "Most")) == 4
    bands = [text.get("colspan") for text in found.all("th", scope="colgroup")]
    assert bands == ["2", "1", "1"]


def test_more_preferred_than_most_is_refused(declaring: Declaring) -> None:
    answer = declaring.client.post(declaring.address, data=declaring.typed(preferred="4") | {"save": "save"})
    assert answer.status_code == 400
    assert "4 preferred is more than the most, 3: lower it or raise that" in page(answer).main


def test_weeks_are_filled_without_javascript_and_nothing_is_saved(declaring: Declaring) -> None:
    id_ = declaring.id
    data = declaring.typed("", "", "") | {f"{id_}.any.maximum.{FIRST}": "7"}
    block = data | {"fill": str(declaring.round.blocks[0].id)}
    found = page(declaring.client.post(declaring.address, data=block))
    values = [found.value(f"{id_}.any.maximum.{week}") for week in (FIRST, SECOND, THIRD)]
    assert values == ["7", "7", ""]
    found = page(declaring.client.post(declaring.address, data=data | {"weeks": str(id_)}))
    assert found.value(f"{id_}.any.maximum.{THIRD}") == "7"
    assert "Nothing is saved yet" in found.main
    assert db.session.query(Declaration).count() == 0


def test_bank_holidays_shorten_the_week_that_they_fall_in(declaring: Declaring) -> None:
    head = page(declaring.client.get(declaring.address)).all("th", scope="col")
    assert [cell.get("title") for cell in head[1:]] == [None, None, "Easter Monday, 29 March"]


def test_last_round_is_beside_and_can_be_taken_over(declaring: Declaring) -> None:
    last = RoundFactory(first_week=date(2026, 1, 5), last_week=date(2026, 2, 2))
    BlockFactory(round=last, first_week=date(2026, 1, 5), weeks=3)
    BlockFactory(round=last, first_week=date(2026, 2, 2), weeks=2)
    DeclarationFactory(round=last, department=declaring.department, preferred=1, maximum=6)
    saved()
    found = page(declaring.client.get(declaring.address))
    assert row_of(found, "Last round, most") == ["6 (−6)"] * 3
    data = declaring.typed() | {"last": str(declaring.id)}
    found = page(declaring.client.post(declaring.address, data=data))
    assert found.value(f"{declaring.id}.any.maximum.{THIRD}") == "6"
    assert found.value(f"{declaring.id}.educators.wte.{FIRST}") == "2"
    assert row_of(found, "Last round, most") == ["6"] * 3
    assert db.session.query(Declaration).filter_by(round_id=declaring.round.id).count() == 0


def test_learners_have_lines_of_their_own_which_are_added_and_removed(declaring: Declaring) -> None:
    group, id_ = LearnerGroupFactory(key="sonography", name="Sonography"), declaring.id
    saved()
    data = declaring.typed() | {f"{id_}.new_line": group.key, "add": str(id_)}
    found = page(declaring.client.post(declaring.address, data=data))
    assert found.value(f"{id_}.sonography.maximum.{FIRST}") == ""
    data = declaring.typed() | {f"{id_}.sonography.maximum.{FIRST}": "2", "save": "save"}
    found = page(declaring.client.post(declaring.address, data=data, follow_redirects=True))
    assert found.value(f"{id_}.sonography.maximum.{FIRST}") == "2"
    data = declaring.typed() | {f"{id_}.version": "1", "remove": f"{id_}.sonography"}
    found = page(declaring.client.post(declaring.address, data=data))
    assert not found.all("input", name=f"{id_}.sonography.maximum.{FIRST}")
    data = declaring.typed() | {f"{id_}.version": "1", f"{id_}.removed": "sonography", "save": "save"}
    declaring.client.post(declaring.address, data=data)
    assert list(content_of(declaring.stored()).lines) == [ANYONE]


def test_a_clash_shows_both_keeps_the_typing_and_takes_the_rest(declaring: Declaring) -> None:
    declaring.client.post(declaring.address, data=declaring.typed() | {"save": "save"})
    declaring.colleague_saves(9, weeks=2)
    mine = declaring.typed() | {f"{declaring.id}.version": "1", f"{declaring.id}.any.maximum.{FIRST}": "4"}
    answer = declaring.client.post(declaring.address, data=mine | {"save": "save"})
    found = page(answer)
    assert answer.status_code == 409
    assert "Tom Reed saved 9 (it was 3)" in found.errors[f"{declaring.id}.any.maximum.{FIRST}"]
    assert found.value(f"{declaring.id}.any.maximum.{FIRST}") == "4"
    assert found.value(f"{declaring.id}.any.maximum.{SECOND}") == "9"
    again = mine | {
        f"{declaring.id}.version": found.value(f"{declaring.id}.version"),
        f"{declaring.id}.any.maximum.{SECOND}": "9",
        "save": "save",
    }
    assert declaring.client.post(declaring.address, data=again).status_code == 302
    assert declaring.most() == [4, 9, 3]


def test_what_others_changed_elsewhere_is_kept_and_said(declaring: Declaring) -> None:
    declaring.client.post(declaring.address, data=declaring.typed() | {"save": "save"})
    declaring.colleague_saves(9, weeks=1)
    mine = declaring.typed() | {f"{declaring.id}.version": "1", f"{declaring.id}.any.maximum.{THIRD}": "5"}
    answer = declaring.client.post(declaring.address, data=mine | {"save": "save"}, follow_redirects=True)
    assert "Tom Reed changed" in answer.text
    assert "week of 4 January 2027, most places: 3 became 9" in page(answer).text
    assert declaring.most() == [9, 3, 5]


def test_effective_places_say_what_limits_them_and_what_would_lift_it(declaring: Declaring) -> None:
    line = PlanLineFactory(block=declaring.round.blocks[0], modalities=[declaring.department.modality])
    SupervisionWeightFactory(learner_group_id=line.programme.learner_group_id, weight=Decimal("0.5"))
    DeclarationFactory(
        round=declaring.round, department=declaring.department, maximum=5, each_wte=Decimal("1.25")
    )
    saved()
    found = page(declaring.client.get(declaring.address))
    assert row_of(found, "Effective places") == ["2"] * 3
    assert row_of(found, "Limited by") == ["WTE"] * 3
    assert (
        "4 Jan 2027 to 29 Mar 2027: 2 effective places, limited by educator WTE. 0.25 more WTE" in found.main
    )


def test_scanning_lists_show_the_places_that_they_make(declaring: Declaring) -> None:
    ultrasound = ModalityFactory(key="ultrasound", measure="lists")
    department = DepartmentFactory(site=declaring.department.site, modality=ultrasound)
    line = PlanLineFactory(block=declaring.round.blocks[0], modalities=[ultrasound])
    db.session.add(
        PlaceRate(
            modality=ultrasound,
            learner_group=line.programme.learner_group,
            units_per_place=Decimal("2.5"),
            valid_from=date(2020, 1, 1),
        )
    )
    DeclarationFactory(round=declaring.round, department=department, maximum=5)
    saved()
    found = page(declaring.client.get(f"/rounds/{declaring.round.id}/capacity/{department.id}"))
    assert "scanning lists" in found.main
    assert row_of(found, "Makes places") == ["2"] * 3


def test_the_grid_of_a_trust_saves_what_was_typed_and_nothing_else(declaring: Declaring) -> None:
    other = DepartmentFactory(site=SiteFactory(trust=declaring.department.site.trust))
    DeclarationFactory(round=declaring.round, department=other, maximum=3, each_wte=Decimal("1.5"))
    stranger = DepartmentFactory()
    saved()
    found = page(declaring.client.get(declaring.grid))
    assert stranger.site.name not in found.main
    data = declaring.typed() | declaring.typed(department_id=other.id) | {f"{other.id}.version": "1"}
    data |= declaring.typed(department_id=stranger.id)
    answer = declaring.client.post(declaring.grid, data=data | {"save": "save"}, follow_redirects=True)
    assert "The draft is saved" in answer.text
    states = {row.department_id: row.state for row in db.session.query(Declaration)}
    assert states == {declaring.id: "draft", other.id: "approved"}
    data |= {f"{declaring.id}.version": "1", "submit": "all"}
    answer = declaring.client.post(declaring.grid, data=data, follow_redirects=True)
    assert f"{declaring.department.name}: submitted" in answer.text
    assert declaring.stored().state == "submitted"
    of_site = page(declaring.client.get(f"{declaring.grid}?site={other.site_id}"))
    assert not of_site.all("tbody", data_department=str(declaring.id))


def test_an_academy_lead_edits_the_academys_centres_and_reads_the_others(declaring: Declaring) -> None:
    centre = DepartmentFactory(site=SiteFactory(trust=declaring.department.site.trust, kind="academy"))
    saved()
    theirs = page(declaring.client.get(declaring.grid))
    assert not theirs.all("input", name=f"{centre.id}.any.maximum.{FIRST}")
    declaring.client.post("/sign-out")
    sign_in(declaring.client, PersonFactory(role="academy_lead"))
    found = page(declaring.client.get(declaring.grid))
    assert found.all("input", name=f"{centre.id}.any.maximum.{FIRST}")
    assert not found.all("tbody", data_department=str(declaring.id))
    found = page(declaring.client.get(f"{declaring.grid}?trust={declaring.trust_id}"))
    assert found.all("tbody", data_department=str(declaring.id))
    assert not found.all("input", name=f"{declaring.id}.any.maximum.{FIRST}")
    answer = declaring.client.post(declaring.address, data=declaring.typed() | {"save": "save"})
    assert answer.status_code == 403


def test_a_trust_without_departments_is_told_so(client: FlaskClient) -> None:
    round_ = RoundFactory()
    sign_in(client, PersonFactory(role="practice_educator"))
    found = page(client.get(f"/rounds/{round_.id}/capacity/grid"))
    assert "There is no department yet" in found.main


def test_cells_are_saved_as_they_are_typed_with_what_follows(declaring: Declaring) -> None:
    answer = declaring.cells({f"any.maximum.{FIRST}": "3", f"educators.wte.{FIRST}": "1,5"})
    assert (answer["version"], answer["state"]) == (1, "draft")
    assert answer["rows"]["effective"] == ["3", "0", "0"]
    assert "limited by places declared" in answer["notes"]
    assert declaring.most() == [3, 0, 0]
    # Nothing new, nothing written: the version stays.
    assert declaring.cells({f"any.maximum.{FIRST}": "3"}, version=1)["version"] == 1


def test_a_cell_that_cannot_be_right_waits_and_the_others_are_saved(declaring: Declaring) -> None:
    answer = declaring.cells(
        {
            f"any.preferred.{FIRST}": "4",
            f"any.maximum.{SECOND}": "2",
            f"any.maximum.{THIRD}": "many",
            f"any.surge.{THIRD}": "1",
        }
    )
    assert answer["wrong"] == [f"any.maximum.{THIRD}", f"any.preferred.{FIRST}"]
    assert "4 preferred is more than the most, 0" in answer["notes"]
    content = content_of(declaring.stored())
    assert content.cells() == {f"any.maximum.{SECOND}": "2", f"any.surge.{THIRD}": "1"}
    answer = declaring.cells({f"any.preferred.{FIRST}": "4", f"any.maximum.{FIRST}": "5"}, version=1)
    assert answer["wrong"] == []


def test_another_persons_cells_come_with_the_answer_and_a_clash_is_left_to_choose(
    declaring: Declaring,
) -> None:
    declaring.cells({f"any.maximum.{week}": "3" for week in (FIRST, SECOND, THIRD)})
    declaring.colleague_saves(9, weeks=2)
    answer = declaring.cells({f"any.maximum.{FIRST}": "4", f"any.maximum.{THIRD}": "5"}, version=1)
    assert answer["theirs"] == {f"any.maximum.{SECOND}": "9"}
    assert answer["clashes"] == {f"any.maximum.{FIRST}": "9"}
    assert "Tom Reed" in answer["said"][0]
    assert "Keep mine" in answer["notes"]
    assert declaring.most() == [9, 9, 5]
    answer = declaring.cells({f"any.maximum.{FIRST}": "4"}, version=answer["version"])
    assert declaring.most() == [4, 9, 5]


def test_what_stands_is_changed_only_where_that_is_meant(declaring: Declaring) -> None:
    declaring.client.post(declaring.address, data=declaring.typed() | {"submit": str(declaring.id)})
    version = declaring.stored().version
    answer = declaring.cells({f"any.maximum.{FIRST}": "4"}, version=version)
    assert (answer["asks"], answer["state"], declaring.most()[0]) == (True, "submitted", 3)
    answer = declaring.cells({f"any.maximum.{FIRST}": "4"}, version=version, is_meant=True)
    assert (answer["asks"], answer["state"], declaring.most()[0]) == (False, "draft", 4)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {"departments": {"x": {"version": 0, "cells": {}}}},
        {"departments": {"1": {"version": -1, "cells": {}}}},
        {"departments": {"1": {"version": 0, "cells": {"any.wte.2027-01-04": "1"}}}},
        {"departments": {"1": {"version": 0, "cells": {"any.maximum.soon": "1"}}}},
    ],
)
def test_what_is_no_grid_is_refused(declaring: Declaring, sent: object) -> None:
    answer = declaring.client.post(f"/rounds/{declaring.round.id}/capacity/cells", json=sent)
    assert answer.status_code == 400


def test_another_trusts_cells_are_not_there(declaring: Declaring) -> None:
    stranger = DepartmentFactory()
    saved()
    sent = {"departments": {str(stranger.id): {"version": 0, "cells": {f"any.maximum.{FIRST}": "1"}}}}
    address = f"/rounds/{declaring.round.id}/capacity/cells"
    assert declaring.client.post(address, json=sent).status_code == 404
    declaring.client.post("/sign-out")
    accept = {"Accept": "application/json"}
    assert declaring.client.post(address, json=sent, headers=accept).status_code == 401
