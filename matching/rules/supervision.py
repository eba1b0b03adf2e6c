"""supervision: weight supervised in a department and week stays within load limit x WTE.

Of a single pair the rule asks that the learner alone can be supervised; `network` and `integer` add the
limit on all of them together.
"""

import numpy as np

from matching.rules.pairs import Bools, Pairs

NAME = "supervision"
WORDS = "The department has too little supervising time for this learner in some week of the block."


def limit(wte: int, load: float) -> int:
    """Thousandths of a WTE that may be supervised where `wte` thousandths are available."""
    return int(wte * load + 1e-6)


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the requirement's weight alone passes the department's limit in some
    week."""
    tables, load = pairs.tables, pairs.policy.supervision
    if load is None:
        return np.zeros(pairs.shape, np.bool_)
    most = np.floor(tables.wte[:, tables.offer_department[pairs.offers]] * load + 1e-6)
    result: Bools = (
        tables.weight[pairs.requirements][:, None] > most[tables.requirement_week_set[pairs.requirements]]
    )
    return result
