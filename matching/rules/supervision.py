"""supervision: weight supervised in a department and week stays within load limit x WTE, and where a
department has no WTE of its own its educators supervise only whom, and as many as, they may.

Of a single pair the rule asks that the learner alone can be supervised; `network` and `integer` add the
limit on all of them together.
"""

import numpy as np

from matching.rules.pairs import Bools, Pairs
from matching.tables import NO_CAP

NAME = "supervision"
WORDS = (
    "The department has too little supervising time for this learner in some week of the block, or nobody "
    "who may supervise them."
)


def limit(wte: int, load: float) -> int:
    """Thousandths of a WTE that may be supervised where `wte` thousandths are available."""
    return int(wte * load + 1e-6)


def most(wte: int, load: float | None, otherwise: int) -> int:
    """Thousandths that may be supervised, as `limit`; `otherwise` where no load limit is set."""
    return otherwise if load is None else limit(wte, load)


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where in some week the requirement alone is more than the department and those of
    its educators who may supervise the learner could take: in WTE, or in learners at once."""
    tables, load = pairs.tables, pairs.policy.supervision
    result = np.zeros(pairs.shape, np.bool_)
    if load is None:
        return result
    departments, column = np.unique(tables.offer_department[pairs.offers], return_inverse=True)
    of_class, row = np.unique(tables.class_of[pairs.requirements], return_inverse=True)
    for teams in tables.measures(pairs.policy):
        cell = teams.cell[np.ix_(departments, of_class)]
        if not (cell >= 0).any():
            continue
        cells = np.unique(cell[cell >= 0])
        room = teams.room(load)[cells]
        least = np.full((len(tables.week_sets), len(cells) + 1), NO_CAP, np.int64)
        for i, weeks in enumerate(tables.week_sets):
            least[i, :-1] = room[:, list(weeks)].min(axis=1)
        at = np.where(cell >= 0, np.searchsorted(cells, cell), len(cells))
        amount = tables.amount(teams)[pairs.requirements]
        if (at == at[:, :1]).all():  # one cell a department, whoever the learner is
            room_of = least[:, at[:, 0]][:, column][pairs.week_sets]
        else:
            room_of = least[pairs.week_sets[:, None], at[column][:, row].T]
        result |= amount[:, None] > room_of
    return result
