"""locks: a pinned requirement goes only where it is pinned; a banned one never there."""

import numpy as np

from matching.rules.pairs import Bools, Pairs

NAME = "locks"
WORDS = "A lock pins this requirement elsewhere, or bans it from the site."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where a pin names another place or a ban names this one."""
    problem, tables = pairs.problem, pairs.tables
    out = np.zeros(pairs.shape, np.bool_)
    if not problem.locks:
        return out
    row_of = {problem.requirements[r].key: row for row, r in enumerate(pairs.requirements)}
    departments = tables.offer_department[pairs.offers]
    for lock in problem.locks:
        row = row_of.get(lock.requirement)
        if row is None:
            continue
        if lock.site_or_department in problem.site_index:
            there = pairs.sites == problem.site_index[lock.site_or_department]
        else:
            there = departments == problem.department_index[lock.site_or_department]
        out[row] |= ~there if lock.kind == "pin" else there
    return out
