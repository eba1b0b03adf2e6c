"""What changed between two versions of a round's published places, as each sees it."""

from dataclasses import dataclass
from datetime import date

import pytest
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.allocations.changes import (
    TRUST_WORDS,
    Kind,
    changes_between,
    changes_of,
    count_changes,
    earlier_publication,
    kinds_of,
    summary_of_changes,
    words_for,
)
from placements.allocations.lists import (
    CHANGE_COLUMNS,
    TRUST_CHANGE_COLUMNS,
    changes_csv,
    changes_rows,
    changes_xlsx,
)
from placements.allocations.models import Publication
from placements.allocations.published import LineFilter, filtered_lines
from placements.errors import NotFound
from placements.organisations.models import Department
from tests.factories import (
    DepartmentFactory,
    HeiFactory,
    PublicationFactory,
    PublicationLineFactory,
    saved,
    viewer_as,
)

PLACES = {
    # Where in version 1 and in version 2: 0 and 1 are departments, "" is unplaced, None is no line.
    "STAYS": (0, 0),
    "MOVES": (0, 1),
    "LATER": (0, 0),
    "GIVEN": (0, ""),
    "GONE": (1, None),
    "FOUND": ("", 1),
    "NEW": (None, 1),
    "NEVER": ("", ""),
    "LEAVES": ("", None),
    "WAITS": (None, ""),
    # Held back in the department 0, or no longer.
    "HELD": (0, "held"),
    "FREED": ("held", 0),
    "STUCK": ("held", "held"),
}


@dataclass(frozen=True)
class Versions:
    first: Publication
    second: Publication
    departments: tuple[Department, Department]
    hei_id: int
    lead: Viewer


@pytest.fixture
def versions(session: Session) -> Versions:
    first = PublicationFactory()
    second = PublicationFactory(round=first.round, number=2)
    here, there, hei = DepartmentFactory(), DepartmentFactory(), HeiFactory()
    for index, (reference, places) in enumerate(PLACES.items()):
        for publication, place in zip((first, second), places, strict=True):
            if place is None:
                continue
            PublicationLineFactory(
                publication=publication,
                requirement_id=index,
                of_hei=hei,
                learner_reference=reference,
                state={"": "unplaced", "held": "held"}.get(str(place), "placed"),
                at=None if place == "" else there if place == 1 else here,
                travel_minutes=None if place == "" else 35 if place == 1 else 20,
                first_week=date(2027, 1, 11)
                if (reference, publication) == ("LATER", second)
                else date(2027, 1, 4),
            )
    saved()
    return Versions(first, second, (here, there), hei.id, viewer_as(Role.ACADEMY_LEAD))


def kinds(session: Session, viewer: Viewer, versions: Versions) -> dict[str, str]:
    changes, total = changes_between(session, viewer, versions.first, versions.second)
    assert total == len(changes)
    return {change.line.learner_reference: change.kind.value for change in changes}


def test_each_change_has_its_kind_and_what_stays_is_no_change(session: Session, versions: Versions) -> None:
    assert kinds(session, versions.lead, versions) == {
        "MOVES": "moved",
        "LATER": "redated",
        "GIVEN": "given_up",
        "GONE": "withdrawn",
        "LEAVES": "withdrawn",
        "FOUND": "found",
        "NEW": "new",
        "WAITS": "new",
        "HELD": "held",
        "FREED": "released",
    }
    assert count_changes(session, versions.lead, versions.first, versions.second) == {
        Kind.MOVED: 1,
        Kind.REDATED: 1,
        Kind.GIVEN_UP: 1,
        Kind.HELD: 1,
        Kind.WITHDRAWN: 2,
        Kind.RELEASED: 1,
        Kind.FOUND: 1,
        Kind.NEW: 2,
    }
    assert summary_of_changes(session, versions.lead, versions.first, versions.second) == (
        "1 moved, 1 new dates, 1 no longer placed, 1 held back, 2 withdrawn, 1 no longer held back,"
        " 1 newly placed, 2 new in this version"
        " since version 1"
    )
    assert summary_of_changes(session, versions.lead, versions.first, versions.first) == (
        "Nothing changed since version 1"
    )


def test_an_hei_sees_its_own_changes_and_another_none(session: Session, versions: Versions) -> None:
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=versions.hei_id)
    assert kinds(session, officer, versions) == kinds(session, versions.lead, versions)
    assert kinds(session, viewer_as(Role.PLACEMENT_OFFICER), versions) == {}


def test_a_trust_sees_who_comes_and_who_no_longer_comes_and_nothing_of_elsewhere(
    session: Session, versions: Versions
) -> None:
    here, there = (
        viewer_as(Role.PRACTICE_EDUCATOR, trust_id=department.site.trust_id)
        for department in versions.departments
    )
    assert kinds(session, here, versions) == {
        "LATER": "redated",
        "MOVES": "withdrawn",
        "GIVEN": "withdrawn",
        "HELD": "withdrawn",
        "FREED": "new",
    }
    assert kinds(session, there, versions) == {
        "GONE": "withdrawn",
        "MOVES": "new",
        "FOUND": "new",
        "NEW": "new",
    }
    changes, _ = changes_between(session, here, versions.first, versions.second)
    rows = changes_rows(changes, words_for(here), TRUST_CHANGE_COLUMNS)
    assert [row[0] for row in rows[1:]] == ["New dates", *["No longer coming"] * 3, "Now coming"]
    words = str(rows)
    assert versions.departments[1].site.name not in words
    assert "inutes" not in words
    assert set(TRUST_WORDS) <= set(Kind)


def test_changes_are_filtered_and_paged(session: Session, versions: Versions) -> None:
    def found(**filters: object) -> list[str]:
        changes, _ = changes_between(session, versions.lead, versions.first, versions.second, **filters)  # type: ignore[arg-type]
        return [change.line.learner_reference for change in changes]

    assert found(kind="new") == ["NEW", "WAITS"]
    assert found(reference="new") == ["NEW"]
    assert found(reference="%") == []
    everything = found()
    assert [*found(page=1, size=5), *found(page=2, size=5)] == everything
    assert everything[:3] == ["MOVES", "LATER", "GIVEN"]


def test_a_file_says_from_where_to_where_and_the_minutes(session: Session, versions: Versions) -> None:
    changes, _ = changes_between(session, versions.lead, versions.first, versions.second)
    rows = changes_rows(changes, words_for(versions.lead), CHANGE_COLUMNS)
    moved = dict(zip(rows[0], rows[1], strict=True))
    here, there = versions.departments
    assert (moved["What changed"], moved["Learner reference"]) == ("Moved", "MOVES")
    assert moved["Before"] == f"{here.modality.name}, {here.site.name}"
    assert moved["Now"] == f"{there.modality.name}, {there.site.name}"
    assert (moved["Minutes before"], moved["Minutes now"]) == (20, 35)
    assert b"MOVES" in changes_csv(rows)
    assert changes_xlsx(rows).startswith(b"PK")


def test_changed_lines_can_be_picked_out_and_marked(session: Session, versions: Versions) -> None:
    changed = filtered_lines(
        versions.lead, versions.second, LineFilter(state="changed"), earlier=versions.first
    )
    references = sorted(line.learner_reference for line in session.scalars(changed))
    assert references == ["FOUND", "FREED", "GIVEN", "HELD", "LATER", "MOVES", "NEW", "WAITS"]
    lines = list(session.scalars(filtered_lines(versions.lead, versions.second)))
    marks = changes_of(
        session, versions.lead, versions.first, versions.second, [line.requirement_id for line in lines]
    )
    assert sorted(change.line.learner_reference for change in marks.values()) == references
    assert {number: change.kind for number, change in marks.items()} == kinds_of(
        session, versions.lead, versions.first, versions.second
    )


def test_any_earlier_version_can_be_compared_with(session: Session, versions: Versions) -> None:
    third = PublicationFactory(round=versions.first.round, number=3)
    other = PublicationFactory()
    saved()

    def earlier(number: int | None = None) -> Publication | None:
        return earlier_publication(session, versions.lead, third, number)

    assert earlier() is versions.second
    assert earlier(1) is versions.first
    assert earlier_publication(session, versions.lead, versions.first) is None
    for number in (3, 4, 0):
        with pytest.raises(NotFound):
            earlier(number)
    assert other.round_id != third.round_id
    gone, total = changes_between(session, versions.lead, versions.first, third)
    assert {change.kind for change in gone} == {Kind.WITHDRAWN}
    assert total == 11
