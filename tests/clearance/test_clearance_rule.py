"""Whether a learner is clear for a placement: each case by hand, and what holds of any dates."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placements.clearance.rule import Asked, Finding, Had, Standing, expiry_of, judge

FIRST, LAST = date(2027, 3, 1), date(2027, 4, 9)
DUE = date(2027, 1, 18)
BLOCKS, WARNS = Asked(1, "DBS", "blocks", 6), Asked(2, "Training", "warns", 6)


def found(had: Had | None, today: date, asked: Asked = BLOCKS) -> tuple[Standing, str]:
    finding = judge(asked, had, first_day=FIRST, last_day=LAST, today=today)
    assert finding.due_on == DUE
    assert finding.had == had
    return finding.standing, finding.effect


def done(expires_on: date | None) -> Had:
    return Had(date(2026, 9, 1), expires_on)


@pytest.mark.parametrize(
    ("had", "today", "standing", "effect"),
    [
        (None, DUE - timedelta(days=1), Standing.NOT_YET_DUE, ""),
        (None, DUE, Standing.MISSING, "blocks"),
        (None, LAST, Standing.MISSING, "blocks"),
        (done(None), DUE, Standing.CLEAR, ""),
        (done(LAST), DUE, Standing.CLEAR, ""),
        (done(LAST - timedelta(days=1)), DUE - timedelta(days=1), Standing.EXPIRES, "warns"),
        (done(LAST - timedelta(days=1)), DUE, Standing.EXPIRES, "blocks"),
        (done(FIRST - timedelta(days=1)), DUE - timedelta(days=1), Standing.EXPIRES, "warns"),
        (done(DUE - timedelta(days=2)), DUE - timedelta(days=1), Standing.NOT_YET_DUE, ""),
        (done(DUE - timedelta(days=1)), DUE, Standing.MISSING, "blocks"),
        (done(DUE), DUE, Standing.EXPIRES, "blocks"),
    ],
)
def test_each_case(had: Had | None, today: date, standing: Standing, effect: str) -> None:
    assert found(had, today) == (standing, effect)
    assert found(had, today, WARNS) == (standing, "warns" if effect else "")


DAYS = st.dates(date(2026, 1, 1), date(2028, 12, 31))
HAD = st.none() | st.builds(
    lambda done_on, days: Had(done_on, None if days is None else done_on + timedelta(days=days)),
    DAYS,
    st.none() | st.integers(0, 1500),
)
ASKED = st.builds(Asked, st.just(1), st.just("DBS"), st.sampled_from(["blocks", "warns"]), st.integers(0, 52))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Asked, Had | None, date, date, date]:
    first = draw(DAYS)
    return draw(ASKED), draw(HAD), first, first + timedelta(days=draw(st.integers(0, 200))), draw(DAYS)


@given(cases())
def test_what_holds_of_any_dates(case: tuple[Asked, Had | None, date, date, date]) -> None:
    asked, had, first_day, last_day, today = case
    finding = judge(asked, had, first_day=first_day, last_day=last_day, today=today)
    is_due = today >= first_day - timedelta(days=7 * asked.weeks_before)
    holds_throughout = had is not None and (had.expires_on is None or had.expires_on >= last_day)
    assert finding.is_clear == holds_throughout
    assert bool(finding.effect) == (not holds_throughout and (is_due or finding.standing is Standing.EXPIRES))
    # A check that only warns never blocks; one that blocks does so from the day it is due, and not before.
    assert (finding.effect == "blocks") == (asked.effect == "blocks" and is_due and not holds_throughout)


RANK = {"": 0, "warns": 1, "blocks": 2}


@given(cases(), st.integers(0, 400), st.integers(1, 400))
def test_a_check_that_holds_longer_never_makes_it_worse_nor_does_waiting_make_it_better(
    case: tuple[Asked, Had | None, date, date, date], longer: int, later: int
) -> None:
    asked, had, first_day, last_day, today = case

    def at(had: Had | None, today: date) -> Finding:
        return judge(asked, had, first_day=first_day, last_day=last_day, today=today)

    now = RANK[at(had, today).effect]
    if had is not None and had.expires_on is not None and had.expires_on >= today:
        more = Had(had.done_on, had.expires_on + timedelta(days=longer))
        assert RANK[at(more, today).effect] <= now
    if today >= at(had, today).due_on:
        assert RANK[at(had, today + timedelta(days=later)).effect] >= now


@pytest.mark.parametrize(
    ("done_on", "months", "expiry"),
    [
        (date(2026, 9, 14), 12, date(2027, 9, 14)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 12, 15), 36, date(2029, 12, 15)),
        (date(2026, 12, 15), None, None),
    ],
)
def test_when_a_check_expires(done_on: date, months: int | None, expiry: date | None) -> None:
    assert expiry_of(done_on, months) == expiry


@given(DAYS, st.integers(1, 120))
def test_a_longer_validity_expires_later(done_on: date, months: int) -> None:
    shorter, longer = expiry_of(done_on, months), expiry_of(done_on, months + 1)
    assert shorter is not None
    assert longer is not None
    assert done_on < shorter < longer
