"""The fewest limits to raise and placings to give up so that one more placing fits: a small integer program
over the rows that it counts under."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.columns import RowName
from matching.program import Program, search
from matching.resolve import OutOfTime
from matching.standing import Standing
from matching.stop import Stop
from matching.tables import Ints

# Rules that no figure would change: only a move helps.
RIGID = ("requirement", "one_place_a_week", "rotation", "hei_fairness")
ONE = 1_000.0


@dataclass(frozen=True)
class Fewest:
    """Limits to raise (without their weeks), by week how many thousandths of a WTE more a department must
    supervise where educators serve it (at least one where its learners are too many for them), and the
    requirements who leave, by position."""

    raised: tuple[RowName, ...]
    more: dict[int, int]
    leaving: tuple[int, ...]


def fewest_changes(
    standing: Standing, choice: int, known: set[RowName], stop: Stop, seconds: float
) -> Fewest:
    """What must give way to a choice with everybody else in place. A limit raised, or a placing given up,
    counts as one; a limit `known` counts as none, as it is raised already. Of as few, rather limits are
    raised. Raises `OutOfTime`."""
    n = len(standing.choices)
    rows, further = touching(standing, choice)
    inside = standing.rows[rows]
    held = np.unique(inside.indices[inside.indices < n]).astype(np.int64)
    held = held[standing.taken[held]]
    left = standing.most[rows] - inside[:, [choice]].toarray().ravel()
    limits = [limit_of(standing.names[i]) for i in rows.tolist()]
    elastic = [i for i, name in enumerate(limits) if not rigid(name)]
    groups = list(dict.fromkeys(limits[i] for i in elastic))
    # Columns: who stays, further columns of the model, limits raised (0 or 1), each row's raise.
    most = np.array([float(abs(inside[[i]]).sum() + abs(left[i])) for i in elastic])
    e, at = len(elastic), len(held) + len(further)
    raises = csr_matrix((-np.ones(e), (np.array(elastic, np.int64), np.arange(e))), shape=(len(rows), e))
    of_group = np.array([groups.index(limits[i]) for i in elastic], np.int64)
    only_if = csr_matrix((-most, (np.arange(e), of_group)), shape=(e, len(groups)))
    own = hstack([inside[:, held], inside[:, further], csr_matrix((len(rows), len(groups))), raises])
    link = hstack([csr_matrix((e, at)), only_if, csr_matrix(np.eye(e))])
    cost = np.concatenate(
        [
            np.full(len(held), -(ONE + 1)),
            np.zeros(len(further)),
            [0.5 if name in known else ONE for name in groups],
            np.full(e, 1e-4),
        ]
    )
    extras = [standing.model.extras[k - n].most for k in further.tolist()]
    upper = np.concatenate([np.ones(len(held)), extras, np.ones(len(groups)), most])
    whole = np.zeros(len(cost), np.bool_)
    whole[: len(held)] = whole[at : at + len(groups)] = True
    program = Program(cost, vstack([own, link]).tocsr(), np.concatenate([left, np.zeros(e)]), upper, whole)
    x = search(program, None, stop, seconds).x
    if x is None:
        raise OutOfTime
    raised = tuple(g for g, u in zip(groups, x[at : at + len(groups)], strict=True) if u > 0.5)
    more: dict[int, int] = {}
    crowded: set[int] = set()
    for i, amount in zip(elastic, np.rint(x[at + len(groups) :]).astype(int).tolist(), strict=True):
        name = standing.names[int(rows[i])]
        if name.rule == "supervision" and amount:
            if name.measure:
                crowded.update(name.weeks)
            for w in name.weeks if not name.measure else ():
                more[w] = more.get(w, 0) + amount
    more.update({w: max(1, more.get(w, 0)) for w in crowded})
    return Fewest(
        raised, more, tuple(sorted(standing.choices.requirement[held[x[: len(held)] < 0.5]].tolist()))
    )


def touching(standing: Standing, choice: int) -> tuple[Ints, Ints]:
    """The rows that a choice counts under with all that further columns tie to them, and those columns."""
    n = len(standing.choices)
    rows: Ints = standing.columns[:, [choice]].indices.astype(np.int64)
    further = np.zeros(0, np.int64)
    while True:
        entries = standing.rows[rows].indices
        found = np.unique(entries[entries >= n]).astype(np.int64)
        if len(found) == len(further):
            return np.unique(rows), further
        further = found
        rows = np.union1d(rows, standing.columns[:, further].indices).astype(np.int64)


def limit_of(name: RowName) -> RowName:
    """The limit that a row belongs to, in whatever weeks."""
    return RowName(name.rule, name.level, name.position)


def rigid(name: RowName) -> bool:
    """Whether no figure would change what a row asks; an educator's time is left as it is, since the
    department's own would do."""
    return name.rule in RIGID or (name.rule == "supervision" and name.level == "educator")
