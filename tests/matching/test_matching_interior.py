"""Interior points of a large part's relaxation, and the equations of their rounds: against dense matrices and
HiGHS."""

import dataclasses
from itertools import chain, repeat
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from matching.blocks import Oblongs, Squares
from matching.guide import Begin, Relaxation, relaxed_guide
from matching.interior import Inside, Interior
from matching.normal import Normal
from matching.program import Program
from matching.stop import Never
from tests.matching.large_parts import SECONDS, near, no_more, relaxed, setups, year

SEEDS = (1, 2, 3)

# -- blocks ------------------------------------------------------------


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_squares_are_factored_each_by_itself(labels, seed):
    label, rng = np.unique(labels, return_inverse=True)[1], np.random.default_rng(seed)
    half = rng.normal(size=(len(label), len(label))) * (label[:, None] == label)
    matrix = half @ half.T + np.eye(len(label))
    lower = np.linalg.inv(Squares(label).inverses(csr_matrix(matrix)).toarray())
    assert np.allclose(lower @ lower.T, matrix)
    assert np.allclose(np.triu(lower, 1), 0)


def test_a_square_that_rounding_leaves_without_a_factor_has_one_nearby():
    one = np.array([[1.0, 1.0], [1.0, 1.0 - 1e-13]])
    lower = np.linalg.inv(Squares(np.zeros(2, np.int64)).inverses(csr_matrix(one)).toarray())
    assert np.allclose(lower @ lower.T, one)
    with pytest.raises(np.linalg.LinAlgError):
        Squares(np.zeros(2, np.int64)).inverses(csr_matrix(-one))


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_oblongs_are_turned_each_by_itself(high, wide, seed):
    rng = np.random.default_rng(seed)
    pattern = rng.random((high, wide)) < 0.25
    matrix = np.where(pattern & (rng.random((high, wide)) < 0.8), rng.normal(size=(high, wide)), 0.0)
    turn, upper = Oblongs(csr_matrix(pattern.astype(np.float64))).factors(csr_matrix(matrix))
    assert np.allclose((turn @ upper).toarray(), matrix)
    assert np.allclose((turn.T @ turn).toarray(), np.eye(turn.shape[1]))


# -- the equations ------------------------------------------------------------


def relaxation(made, held=None, kept=None):
    large = made.large
    held = made.reached(made.found.taken) if held is None else held
    kept = np.ones(made.whole.n, np.bool_) if kept is None else kept
    costs = [t.cost for t in large.earlier]
    return Relaxation(made.whole, made.chosen, large.soft, costs, held, [], kept)


def solved(made, seed):
    inside = relaxation(made).inside()
    rows, rng = inside.program.rows, np.random.default_rng(seed)
    share, slack = (10.0 ** rng.uniform(-3, 3, size) for size in (rows.shape[1], rows.shape[0]))
    right = rng.normal(size=rows.shape[0])
    inside.normal.factor(share, slack)
    y = inside.normal.solve(right)
    dense = rows.toarray()
    matrix = dense * share @ dense.T + np.diag(slack)
    assert np.allclose(inside.normal.times(y), matrix @ y)
    assert np.linalg.norm(matrix @ y - right) <= 1e-8 * np.linalg.norm(right)
    return inside.normal


@pytest.mark.parametrize("seed", SEEDS)
def test_the_equations_of_a_year_are_solved(seed):
    normal = solved(year(seed), seed)
    # Choices that are alike for every row that counts are one type.
    assert len(normal.of_types.indptr) - 1 == len(normal.others)
    assert normal.types.shape[0] < normal.rows.shape[1]
    assert len(normal.mine) > 10


@given(setups(), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_equations_are_solved(made, seed):
    solved(made, seed)


def test_learners_with_many_rows_are_written_by_themselves():
    with mock.patch("matching.normal.LARGE", 1):
        solved(year(1), 1)


def test_what_does_not_fit_the_structure_is_refused():
    """A further column in a learner's own row and in one that counts; more types than can be held."""
    rows = csr_matrix(np.array([[1.0, 0.0, -1.0], [1.0, 1.0, -1.0]]))
    own = np.array([True, False])
    with pytest.raises(ValueError, match="own row"):
        Normal(rows, 2, own, ~own)
    Normal(rows, 3, own, ~own)
    for limit in ("HELD", "WORK"):
        with mock.patch(f"matching.normal.{limit}", 0), pytest.raises(ValueError, match="can be held"):
            Normal(rows, 3, own, ~own)


# -- the method ------------------------------------------------------------


def approached(made, begin):
    """From where windows say; near the optimum, then at it. None where numbers do not tell."""
    item = relaxation(made)
    inside = item.inside()
    found = inside.near(item.within(begin), begin.off, 1e-5, Never(), SECONDS)
    if found is None:
        return None
    best, _ = relaxed(item.program)
    at, program = found.inside, item.program
    assert abs(program.cost @ at.x - best) <= 1e-4 * (1.0 + abs(best))
    assert (program.rows @ at.x <= program.most + 1e-3 * (1.0 + abs(program.most))).all()
    able = program.upper > 0
    for amount in (at.x[able], (program.upper - at.x)[able], at.low[able], at.high[able], at.price, at.left):
        assert (amount > 0).all()
    assert not at.x[~able].any()
    x, price = found.ends
    assert ((x >= 0) & (x <= program.upper[able] * (1 + 1e-12))).all()
    assert (price >= 0).all()
    corner = inside.corner(found, Never(), SECONDS)
    assert corner is not None
    assert near(program.cost @ corner.x, best)
    reduced = program.cost + program.rows.T @ corner.price
    assert near(np.minimum(reduced, 0.0) @ program.upper - corner.price @ program.most, best)
    return corner


@pytest.mark.parametrize("seed", SEEDS)
def test_a_year_is_relaxed_to_the_optimum(seed):
    made = year(seed)
    corner = approached(made, made.large.begin(made.windows()))
    assert corner is not None
    assert corner.basis is not None


@given(setups())
@settings(max_examples=25, deadline=None)
def test_a_relaxation_that_ends_is_at_the_optimum(made):
    approached(made, made.large.begin(made.windows()))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_relaxation_goes_on_from_another_over_more_choices(seed):
    made = year(seed)
    windows = made.windows()
    first = relaxation(made, kept=windows.worth | made.found.taken)
    guide = relaxed_guide(first, made.large.begin(windows), Never(), SECONDS, gap=0.05)
    begin = guide.begin
    assert isinstance(begin, Begin)
    # It is the same point where both have the same columns and rows.
    there = first.within(begin)
    count = len(first.part.columns)
    assert near(np.abs(there.x[:count] - begin.inside.x[first.part.columns]).max(), 0.0)
    assert near(np.abs(there.x[: len(first.free)] - guide.taken[first.free]).max(), 0.0)
    assert ((there.low > 0)[:count]).mean() > 0.9
    corner = approached(made, begin)
    assert corner is not None


def test_where_our_own_points_fail_those_of_highs_stand_in():
    made = year(2)
    windows = made.windows()
    bounds = {}
    ways = {
        "ours": mock.patch("matching.guide.relax", side_effect=AssertionError),
        "refused": mock.patch.object(Relaxation, "inside", side_effect=ValueError),
        "lost": mock.patch.object(Interior, "near", return_value=None),
    }
    for how, patched in ways.items():
        with patched:
            held = made.reached(made.found.taken)
            bounds[how] = [made.guide(windows, held, gap=gap).bound(held) for gap in (None, 0.05)]
    assert near(bounds["ours"][0], bounds["refused"][0])
    assert bounds["lost"] == bounds["refused"]
    assert no_more(bounds["ours"][1], bounds["ours"][0])


def test_a_stop_ends_it_with_a_bound_once_that_tells_something():
    made = year(1)
    item, begin = relaxation(made), made.large.begin(made.windows())
    inside, best, told = item.inside(), relaxed(item.program)[0], []
    for rounds in range(60):
        stop = mock.Mock(side_effect=[*[False] * rounds, True])
        found = inside.near(item.within(begin), begin.off, 1e-5, stop, SECONDS)
        if found is not None and found.ends is not None:
            break
        assert stop.call_count == rounds + 1
        if found is not None:
            program, price = item.program, found.inside.price
            reduced = program.cost + program.rows.T @ price
            told.append(float(np.minimum(reduced, 0.0) @ program.upper - price @ program.most))
            assert inside.corner(found, Never(), SECONDS) is None
    assert 4 < rounds < 59
    assert len(told) > 2
    assert all(no_more(bound, best) and bound > 0.8 * best - 1.0 for bound in told)
    assert inside.near(item.within(begin), begin.off, 1e-5, Never(), -1.0) is None


def test_numbers_that_tell_nothing_end_it():
    made = year(1)
    item, begin = relaxation(made), made.large.begin(made.windows())
    inside = item.inside()
    with mock.patch.object(Normal, "factor", side_effect=np.linalg.LinAlgError):
        assert inside.near(item.within(begin), begin.off, 1e-5, Never(), SECONDS) is None
    with mock.patch.object(Normal, "solve", lambda self, right: np.full(len(right), np.nan)):
        assert inside.near(item.within(begin), begin.off, 1e-5, Never(), SECONDS) is None


def test_there_is_no_corner_beside_what_is_no_number():
    made = year(1)
    item, begin = relaxation(made), made.large.begin(made.windows())
    inside = item.inside()
    found = inside.near(item.within(begin), begin.off, 1e-5, Never(), SECONDS)
    for k in (0, 1):
        ends = [each.copy() for each in found.ends]
        ends[k][0] = np.nan
        assert inside.corner(dataclasses.replace(found, ends=tuple(ends)), Never(), SECONDS) is None
    assert inside.corner(found, Never(), SECONDS) is not None


@pytest.mark.parametrize("asked", [0, 3])
def test_a_stop_ends_the_way_to_a_corner(asked):
    made = year(1)
    item, begin = relaxation(made), made.large.begin(made.windows())
    inside, answers = item.inside(), chain([False] * asked, repeat(True))
    found = inside.near(item.within(begin), begin.off, 1e-5, Never(), SECONDS)
    assert inside.corner(found, lambda: next(answers), SECONDS) is None


def test_a_program_without_rows_of_learners_is_one_too():
    """Two choices for one place, of which the dearer is not taken."""
    rows = csr_matrix(np.array([[1.0, 1.0]]))
    program = Program(np.array([-2.0, -1.0]), rows, np.ones(1), np.ones(2), np.ones(2, np.bool_))
    inside = Interior(program, 2, np.zeros(1, np.bool_), np.ones(1, np.bool_))
    half, nothing = np.full(2, 0.5), np.zeros(2)
    point = Inside(half, nothing, nothing, np.ones(1), np.zeros(1), 0.5)
    found = inside.near(point, 0.05, 1e-6, Never(), SECONDS)
    assert np.allclose(found.ends[0], [1.0, 0.0], atol=1e-4)
