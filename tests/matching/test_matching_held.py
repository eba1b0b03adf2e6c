"""A tier held at its value is held to its last unit, however dear its choices are."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.held import BASE, Held
from matching.program import Program, search
from matching.stop import Never

DEAREST = 10**13
COSTS = st.one_of(
    st.integers(-3, 3),
    st.integers(-DEAREST, DEAREST),
    st.integers(-9, 9).map(lambda k: k * DEAREST // 7),
    st.builds(lambda k, more: k * BASE + more, st.integers(-9, 9), st.integers(-1, 1)),
)


@given(
    st.lists(st.tuples(COSTS, COSTS, st.integers(1, 9)), min_size=1, max_size=7),
    st.integers(0, 127),
    st.integers(0, 5),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_what_is_held_is_held_to_the_last_unit(columns, hand, room):
    """Two tiers are held where an answer in hand has them; the most of a third that this leaves is found. A
    last column is no choice: it may be taken in part, and costs a unit of the first tier."""
    n = len(columns)
    first, second, gain = (np.array([c[i] for c in columns] + [0], np.int64) for i in range(3))
    first[n] = 1
    taken = np.array([bool(hand >> i & 1) for i in range(n)])
    upper = np.append(np.ones(n), float(room))
    tiers = [(first, int(first[:n][taken].sum())), (second, int(second[:n][taken].sum()))]
    held = Held(upper, taken).hold(tiers)
    whole = np.ones(n + 1 + len(held.further), np.bool_)
    whole[n] = False
    cost = np.concatenate([-gain, np.zeros(len(held.further))]).astype(np.float64)
    program = Program(cost, held.rows, np.array(held.most), np.append(upper, held.further), whole)
    found = search(program, np.flatnonzero(taken), Never(), 60.0)
    assert found.x is not None
    answer = found.x[:n] > 0.5
    assert all(int(tier[:n][answer].sum()) <= value for tier, value in tiers)
    best = max(
        int(gain[:n][np.array(x, np.bool_)].sum())
        for x in product((0, 1), repeat=n)
        if all(int(tier[:n] @ np.array(x)) <= value for tier, value in tiers)
    )
    assert int(gain[:n][answer].sum()) == best


def test_an_answer_in_hand_needs_no_further_column():
    cost = np.array([DEAREST, DEAREST + 1, 7, -DEAREST // 3], np.int64)
    taken = np.array([True, False, True, True])
    held = Held(np.ones(4), taken).hold([(cost, int(cost[taken].sum()))])
    assert len(held.further) == 4
    x = np.concatenate([taken, np.zeros(len(held.further))])
    assert (held.rows @ x <= held.most).all()
    assert np.abs(held.rows).max() <= 1


def test_a_cheap_tier_is_one_row():
    cost = np.array([BASE, 1, -BASE, 0], np.int64)
    held = Held(np.ones(4), np.array([True, True, True])).hold([(cost, 1), (cost * 10**6, 10**6)])
    assert held.rows.shape == (2, 4)
    assert held.further == []
