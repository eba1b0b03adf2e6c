"""group_fit: an offer made to some learner groups or stages takes only those."""

import numpy as np

from matching.rules.pairs import Bools, Pairs

NAME = "group_fit"
WORDS = "The places offered there are for other learner groups or stages."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the offer names groups or stages and the learner's is not among them."""
    problem = pairs.problem
    offers = [problem.offers[o] for o in pairs.offers]
    rows = []
    seen: dict[tuple[str, str], Bools] = {}
    for who in pairs.learners:
        learner = problem.learners[who]
        kind = (learner.group, learner.stage)
        if kind not in seen:
            seen[kind] = np.array(
                [
                    bool(o.groups and learner.group not in o.groups)
                    or bool(o.stages and learner.stage not in o.stages)
                    for o in offers
                ],
                np.bool_,
            )
        rows.append(seen[kind])
    return np.array(rows, np.bool_).reshape(pairs.shape)
