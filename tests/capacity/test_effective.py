"""Effective places: the least of the limits, which one it is, and that what is said to lift it does."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.effective import Effective, Rates, effective
from placements.educators.queries import Supervisor

WEEK = date(2027, 1, 4)
RADIOGRAPHY = {("dr", "year_1"): Decimal("0.5"), ("dr", "year_3"): Decimal("0.25")}
BOTH = RADIOGRAPHY | {("sono", "year_1"): Decimal(1)}


def who(wte: str = "1", most: int | None = None, *supervises: tuple[str, str | None]) -> Supervisor:
    return Supervisor(1, "Ed", (Decimal(wte),), most, (1,), supervises)


def found(
    content: Content | int,
    *supervisors: Supervisor,
    rates: Rates | None = None,
    wte: str = "9",
    **caps: int,
) -> Effective:
    if isinstance(content, int):
        content = Content({ANYONE: {WEEK: Places(0, content)}}, {WEEK: Decimal(wte)})
    return effective(content, WEEK, 0, rates or Rates(weights=RADIOGRAPHY), supervisors, **caps)


def test_each_limit_binds_in_its_turn() -> None:
    assert (found(4).places, found(4).limit) == (4, "places")
    assert (found(4, wte="1.4").places, found(4, wte="1.4").limit) == (2, "supervision")
    assert (found(4, who("3", 1)).places, found(4, who("3", 1)).limit) == (1, "most at once")
    assert (found(4, site_cap=3).limit, found(4, trust_cap=2).places) == ("site", 2)
    assert found(4, site_cap=3, trust_cap=2).limit == "trust"


def test_named_educators_go_before_typed_wte_and_those_away_count_for_nothing() -> None:
    assert found(9, who("1.5"), wte="40").places == 3
    assert found(9, who("1.5", 2), who("0", None)).places == 2
    assert found(9, who("0")).places == 0


def test_educators_who_may_supervise_none_of_those_who_come_give_no_places() -> None:
    assert found(9, who("5", None, ("sono", None))).places == 0
    assert found(9, who("5", None, ("dr", "year_3"))).places == 9
    assert found(9, who("5", 1, ("sono", None)), who("5", 2)).places == 2


def test_a_line_is_limited_by_those_who_may_supervise_its_learners() -> None:
    lines = Content({"sono": {WEEK: Places(0, 3)}, "dr/year_3": {WEEK: Places(0, 4)}})
    some = found(
        lines, who("2", None, ("sono", None)), who("0.5", None, ("dr", None)), rates=Rates(weights=BOTH)
    )
    # Two sonographers at 1 WTE each; two of year 3 at a quarter; and 2.5 WTE in all at the heaviest's weight.
    assert some.places == 2


def test_lists_are_places_for_those_who_need_most_of_them() -> None:
    rates = Rates("lists", BOTH, {"sono": Decimal(4), "dr": Decimal(2)})
    assert found(11, rates=rates).places == 2
    assert found(11, rates=rates).lift == "1 more list a week gives one more place."
    assert found(Content({"dr": {WEEK: Places(0, 11)}}, {WEEK: Decimal(9)}), rates=rates).places == 5


@given(st.integers(0, 40), st.decimals(0, 9, places=2), st.sampled_from(["places", "lists"]))
def test_what_is_said_to_lift_a_limit_gives_one_more_place(units: int, wte: Decimal, measure: str) -> None:
    rates = Rates(measure, RADIOGRAPHY, {"dr": Decimal("2.5")})
    before = found(units, rates=rates, wte=str(wte))
    amount = re.match(r"(One|[\d.]+) more", before.lift)
    assert amount is not None, before.lift
    if before.limit == "places":
        more = 1 if amount[1] == "One" else int(amount[1])
        after = found(units + more, rates=rates, wte="99")
    else:
        after = found(99, rates=rates, wte=str(wte + Decimal(amount[1])))
    assert after.places == before.places + 1


@pytest.mark.parametrize("places", range(4))
def test_a_raised_cap_is_what_a_cap_asks_for(places: int) -> None:
    capped = found(9, site_cap=places)
    assert (capped.places, capped.lift) == (places, f"Raising the site's most ({places}) gives more places.")
    assert found(9, site_cap=places + 1).places == places + 1
