"""supervision: weight supervised in a department and week stays within load limit x WTE.

Of a single pair the rule asks that the learner alone can be supervised; `network` and `integer` add the
limit on all of them together.
"""

import numpy as np

from matching.rules.pairs import Bools, Ints, Pairs
from matching.tables import NO_CAP, Tables

NAME = "supervision"
WORDS = "The department has too little supervising time for this learner in some week of the block."


def limit(wte: int, load: float) -> int:
    """Thousandths of a WTE that may be supervised where `wte` thousandths are available."""
    return int(wte * load + 1e-6)


def most(wte: int, load: float | None, otherwise: int) -> int:
    """Thousandths that may be supervised, as `limit`; `otherwise` where no load limit is set."""
    return otherwise if load is None else limit(wte, load)


def by_week(tables: Tables, load: float, department: int) -> Ints:
    """[weeks] thousandths of a WTE that a department can supervise, every educator's time counted whole;
    NO_CAP where nothing limits it."""
    wte, educators = tables.wte_by_week[department], tables.educators_of[department]
    weeks = len(tables.problem.weeks)
    if wte is None and not educators:
        return np.full(weeks, NO_CAP, np.int64)
    pools = [tables.educator_wte[e] for e in educators]
    declared = pools if wte is None else [wte, *pools]
    return np.array([sum(limit(int(one[w]), load) for one in declared) for w in range(weeks)], np.int64)


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the requirement's weight alone passes the department's limit in some
    week."""
    tables, load = pairs.tables, pairs.policy.supervision
    if load is None:
        return np.zeros(pairs.shape, np.bool_)
    departments, column = np.unique(tables.offer_department[pairs.offers], return_inverse=True)
    least = np.empty((len(tables.week_sets), len(departments)), np.int64)
    for j, d in enumerate(departments.tolist()):
        weeks = by_week(tables, load, d)
        least[:, j] = [weeks[list(chosen)].min() for chosen in tables.week_sets]
    most = least[:, column]
    result: Bools = tables.weight[pairs.requirements][:, None] > most[pairs.week_sets]
    return result
