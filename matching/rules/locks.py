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
    rows_of: dict[str, list[int]] = {}
    for row, r in enumerate(pairs.requirements):
        rows_of.setdefault(problem.requirements[r].key, []).append(row)
    departments = tables.offer_department[pairs.offers]
    for lock in problem.locks:
        rows = rows_of.get(lock.requirement)
        if rows is None:
            continue
        if lock.site_or_department in problem.site_index:
            there = pairs.sites == problem.site_index[lock.site_or_department]
        else:
            there = departments == problem.department_index[lock.site_or_department]
        out[rows] |= ~there if lock.kind == "pin" else there
    return out
