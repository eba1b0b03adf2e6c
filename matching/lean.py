"""Rows of a large part that others say as well, or better: its relaxations are smaller without them.

Only where everything is solved together. An explanation asks what else would be possible without some of the
rows, and then the others count.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import vstack

from matching.columns import Choices, Model, groups
from matching.gathered import together
from matching.policy import Policy
from matching.portion import Whole
from matching.rules.different_sites import may_repeat, most_repeats
from matching.tables import Bools, Tables


def lean(tables: Tables, policy: Policy, model: Model) -> Whole:
    """A model with the rows implied for whole learners, without those that then say nothing."""
    implied, problem = model.implied, tables.problem
    kinds, free = [item.kind for item in problem.companions], _free(tables, policy, model.choices)
    # That one is not here while the other is elsewhere: implied says that both are at one site between them.
    said = [
        (name.rule == "companions" and kinds[name.position] == "together")
        or (name.rule == "different_sites" and bool(free[name.position]))
        for name in model.names
    ]
    kept = np.flatnonzero(~np.array(said, np.bool_))
    return Whole(
        vstack([model.rows[kept], implied.matrix(model.width)]).tocsr(),
        np.concatenate([model.most[kept], implied.most.astype(np.float64)]),
        model.upper,
        [*(model.names[i] for i in kept.tolist()), *implied.names],
        model.extras,
        len(model.choices),
    )


def _free(tables: Tables, policy: Policy, chosen: Choices) -> Bools:
    """[learners] who go to enough different sites whatever they choose, even in parts, as they may not be
    at one too often. Where repeats have a price nobody is."""
    learners, sites = tables.problem.learners, tables.problem.sites
    out = np.zeros(len(learners), np.bool_)
    if any("variety" in tier for tier in policy.tiers):
        return out
    open_to = np.unique(chosen.requirement)
    placings = np.bincount(tables.requirement_learner[open_to], minlength=len(learners))
    there = together(chosen.learner, chosen.site)
    asking = there.different(chosen.requirement).tolist()
    for learner, rows in groups(there.label):
        item = learners[learner]
        by_site = {sites[there.weeks[i][0]].key: asking[i] for i in rows.tolist()}
        most = may_repeat(item, by_site, int(placings[learner]), site_repeats=policy.site_repeats)
        out[learner] = most <= most_repeats(item, int(tables.asked[learner]))
    return out
