"""A dive through the whole year at once, from the corner at which the relaxation ended.

Windows in turn lose learners who are shared out over the year: whoever comes first is placed where the rest
of their year then cannot follow. Here all windows stay free until the last. Only choices near the corner
take part, sixteen thousand of a regional year, and few are left to a search: with them it ends some hundred
points from the relaxation, with all but one or two of those placed whom that places.
"""

from __future__ import annotations

import numpy as np

from matching.columns import Choices
from matching.dive import NONE, Dive, Pace
from matching.guide import Guide
from matching.portion import SLACK
from matching.program import BASIC, Basis, Floats, Program
from matching.stop import Stop
from matching.tables import Bools

# Points of reduced cost up to which a choice takes part: of everyone, and of learners whom the relaxation
# does not place whole.
NEAR, WIDE = 1.0, 10.0
PACE = Pace(at_once=0.3, loss=60.0, few=400)


def dive_through(guide: Guide, chosen: Choices, unsure: Bools, stop: Stop, seconds: float) -> Bools | None:
    """[choices] which are whole once few are not, or time ends; None where there is no corner to begin at.
    `unsure` [choices] are of learners whom the relaxation does not place whole."""
    corner = guide.corner
    if corner is None:
        return None
    program, all_free = corner.relaxation.program, corner.relaxation.free
    found, basis, n = corner.found, corner.basis, len(all_free)
    reduced = program.cost + program.rows.T @ found.price
    near: Floats = np.full(len(reduced), NEAR)
    near[:n][unsure[all_free]] = WIDE
    kept = (reduced < near) | (found.x > NONE) | (basis.columns == BASIC)
    columns = np.flatnonzero(kept)
    inside = program.rows[:, columns].tocsr()
    upper = program.upper[columns]
    # A row at its limit stays, so that the basis is one of the program of what is left.
    binds = (inside.maximum(0) @ upper > program.most + SLACK) | (basis.rows != BASIC)
    rows = np.flatnonzero(binds)
    left = Program(program.cost[columns], inside[rows], program.most[rows], upper, np.zeros(0, np.bool_))
    free = all_free[columns[columns < n]]
    at = Basis(basis.columns[columns], basis.rows[rows])
    placed = Dive(left, chosen.requirement[free], stop, PACE, at).run(seconds)
    if placed is None:
        return None
    out = np.zeros(len(unsure), np.bool_)
    out[free[placed]] = True
    return out
