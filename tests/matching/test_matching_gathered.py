"""Rows written a family at a time are those that the plain statement of the family makes one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from matching.columns import RowName, Rows
from matching.gathered import NOTHING, Family, by_period, together

WEEK_SETS = ((0, 1), (1, 2), (0, 1, 2), (4,), (2, 3))
CHOICES = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 4), st.integers(0, 2)), max_size=12)


def _arrays(choices: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(choices, np.int64).reshape(len(choices), 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _covers() -> np.ndarray:
    return np.array([[w in weeks for w in range(5)] for weeks in WEEK_SETS])


@given(CHOICES)
def test_choices_are_gathered_by_label_and_the_weeks_that_the_same_of_them_cover(choices) -> None:
    label, week_set, _ = _arrays(choices)
    expected = {}
    for one in sorted(set(label[label >= 0].tolist())):
        covering: dict[tuple[int, ...], list[int]] = {}
        for w in range(5):
            those = tuple(k for k, (of, s, _) in enumerate(choices) if of == one and w in WEEK_SETS[s])
            if those:
                covering.setdefault(those, []).append(w)
        expected |= {(one, tuple(weeks)): list(those) for those, weeks in covering.items()}
    found = [(of, weeks, those.tolist()) for of, weeks, those in by_period(label, week_set, _covers())]
    assert {(of, weeks): those for of, weeks, those in found} == expected
    assert len(found) == len(expected)
    assert [of for of, _, _ in found] == sorted(of for of, _, _ in found)


@given(CHOICES)
def test_choices_are_gathered_by_one_label_or_by_two(choices) -> None:
    label, other, _ = _arrays(choices)
    here = range(len(choices))
    assert [(of, those.tolist()) for of, _, those in together(label)] == [
        (of, [k for k in here if label[k] == of]) for of in sorted(set(label[label >= 0].tolist()))
    ]
    pairs = sorted({(int(label[k]), int(other[k])) for k in here if label[k] >= 0})
    assert [(of, by, those.tolist()) for of, by, those in together(label, other)] == [
        (of, (by,), [k for k in here if (label[k], other[k]) == (of, by)]) for of, by in pairs
    ]


@given(CHOICES, st.lists(st.booleans(), min_size=12, max_size=12))
def test_what_is_counted_of_each_row_is_what_its_choices_hold(choices, chosen) -> None:
    label, week_set, of = _arrays(choices)
    gathered = by_period(label, week_set, _covers())
    rows = [those for _, _, those in gathered]
    assert gathered.size.tolist() == [len(those) for those in rows]
    assert gathered.different(of).tolist() == [len(set(of[those].tolist())) for those in rows]
    assert gathered.sums(of[gathered.column]).tolist() == [int(of[those].sum()) for those in rows]
    kept = np.array(chosen[: len(choices)], bool)
    some = [(label, weeks, those[kept[those]].tolist()) for label, weeks, those in gathered]
    assert [(label, weeks, those.tolist()) for label, weeks, those in gathered.only(kept)] == [
        row for row in some if row[2]
    ]


def _as_written(rows: Rows) -> list[tuple[RowName, dict[int, float], int]]:
    matrix: csr_matrix = rows.matrix(100)
    return [
        (name, dict(zip(row.indices.tolist(), row.data.tolist(), strict=True)), most)
        for name, row, most in zip(rows.names, matrix, rows.most.tolist(), strict=True)
    ]


@given(CHOICES, st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.integers(0, 9)), max_size=6))
def test_a_family_writes_the_rows_that_are_written_one_by_one(choices, decided) -> None:
    label, week_set, of = _arrays(choices)
    gathered = by_period(label, week_set, _covers())
    values = of[gathered.column] + 1
    bounds = gathered.start.tolist()
    family, plain, at_once = Family(gathered, values), Rows(), Rows()
    for n, (source, further, most) in enumerate(decided):
        name = RowName("rule", "level", n)
        source = source if source < len(gathered) else NOTHING
        extra = list(range(50 + n, 50 + n + further))
        family.add(name, source, extra, most)
        those = slice(0, 0) if source == NOTHING else slice(bounds[source], bounds[source + 1])
        plain.add(
            name,
            np.append(gathered.column[those], np.array(extra, np.int64)),
            np.append(values[those], np.full(further, -1)),
            most,
        )
    family.write(at_once)
    assert _as_written(at_once) == _as_written(plain)
    assert len(at_once) == len(plain) == len(decided)
