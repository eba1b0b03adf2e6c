"""A large part window by window: each against an exact answer to the same small problem."""

import dataclasses
from datetime import date, timedelta
from types import SimpleNamespace
from unittest import mock

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from matching import Policy
from matching.stop import Never
from matching.windows import Windows, distinct, window_of
from tests.matching.large_parts import near, relaxed, set_up, setups, year
from tests.matching.matching_problems import one_site

SEEDS = (1, 2, 3)
SPAN = 9


@given(st.lists(st.sets(st.integers(0, SPAN - 1), min_size=1, max_size=3), min_size=1, max_size=6))
@example([{0, 5}, {1, 2}, {1, 5}])
@settings(max_examples=30, deadline=None)
def test_weeks_that_meet_are_in_one_window_and_others_apart(sets):
    wanted = [tuple(sorted(weeks)) for weeks in sets]
    small = one_site(places=9, learners=len(sets))
    always = {"preferred": (9,) * SPAN, "maximum": (9,) * SPAN}
    problem = dataclasses.replace(
        small,
        weeks=tuple((date(2026, 9, 7) + timedelta(weeks=w)).isoformat() for w in range(SPAN)),
        offers=tuple(dataclasses.replace(o, **always) for o in small.offers),
        requirements=tuple(
            dataclasses.replace(r, weeks=weeks) for r, weeks in zip(small.requirements, wanted, strict=True)
        ),
    )
    made = set_up(problem, Policy())
    graph = nx.Graph()
    graph.add_nodes_from(wanted)
    graph.add_edges_from((a, b) for a in wanted for b in wanted if set(a) & set(b))
    window = window_of(made.tables, made.chosen)
    of = {made.tables.week_sets[s]: int(w) for s, w in zip(made.chosen.week_set, window, strict=True)}
    together = {frozenset(of[weeks] for weeks in part) for part in nx.connected_components(graph)}
    assert together == {frozenset([i]) for i in range(window.max() + 1)}
    assert len(together) == nx.number_connected_components(graph)


def each_relaxed(made):
    """Every window alone is at its optimum over all of its choices, with no more of a choice than a year
    shared out allows."""
    windows = made.windows()
    for w, each in enumerate(windows.solved):
        free = np.flatnonzero(windows.window == w)
        part = made.whole.portion(free, windows.cost, windows.left, without=windows.skipped)
        upper = part.program.upper.copy()
        upper[: part.n] = windows.most[free]
        value, _ = relaxed(dataclasses.replace(part.program, upper=upper))
        assert near(each.value, value)
        assert (windows.taken[free] <= windows.most[free] + 1e-6).all()
        assert near(windows.cost[each.part.columns] @ np.clip(each.x, 0.0, None), value)
        assert not windows.taken[np.setdiff1d(free, each.part.columns)].any()
        # What is taken costs nothing more, where it may be taken further; what is not, nothing less.
        between = (windows.taken[free] > 1e-6) & (windows.taken[free] < windows.most[free] - 1e-6)
        assert np.allclose(each.reduced[between], 0.0, atol=1e-6)
        assert (each.reduced[windows.taken[free] < windows.most[free] - 1e-6] >= -1e-5).all()
    assert windows.worth[windows.taken > 1e-3].all()
    return windows


@pytest.mark.parametrize("seed", SEEDS)
def test_windows_of_a_year_are_each_at_their_best(seed):
    made = year(seed)
    windows = each_relaxed(made)
    assert len(windows.solved) > 1
    assert windows.floating.any() == bool(made.tables.problem.rotations)
    assert not windows.worth.all()


def test_a_year_has_rotations_that_float_over_windows():
    assert any(year(seed).tables.problem.rotations for seed in SEEDS)


@given(setups())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_windows_are_each_at_their_best(made):
    assume(len(np.unique(window_of(made.tables, made.chosen))) > 1)
    each_relaxed(made)


@pytest.mark.parametrize("seed", SEEDS)
def test_windows_that_begin_with_few_choices_find_what_they_lack(seed):
    made = year(seed)
    with mock.patch("matching.windows.CHEAPEST", 1):
        windows = each_relaxed(made)
    assert sum(each.part.n for each in windows.solved) < made.whole.n


def test_windows_share_the_time_there_is():
    made, clock, given = year(1), [0.0], []

    def slow(self, seconds):
        given.append(seconds)
        clock[0] += 10.0
        return False

    with (
        mock.patch("matching.windows.WORKERS", 1),
        mock.patch("matching.windows.time", SimpleNamespace(monotonic=lambda: clock[0])),
        mock.patch("matching.windows.Corner.solve", slow),
    ):
        windows = Windows(made.whole, made.chosen, window_of(made.tables, made.chosen), made.cost, Never())
        assert not windows.explore(60.0)
    assert len(given) > 1
    assert given == [60.0 - 10.0 * i for i in range(len(given))]


@pytest.mark.parametrize("at_a_time", [1, 7, 10_000])
def test_labels_of_a_row_are_counted_however_many_entries_are_looked_at(at_a_time):
    made = year(1)
    rows, window = made.whole.rows, window_of(made.tables, made.chosen)
    with mock.patch("matching.windows.AT_A_TIME", at_a_time):
        counts = distinct(rows, window)
    for i in range(rows.shape[0]):
        those = rows.indices[rows.indptr[i] : rows.indptr[i + 1]]
        assert counts[i] == len(set(window[those[those < len(window)]].tolist()))
