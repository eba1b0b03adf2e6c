"""employer: a learner employed by a trust stays with it unless released."""

import numpy as np

from matching.rules.pairs import Bools, Pairs

NAME = "employer"
WORDS = "The learner is employed by another trust, which has not released them."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the learner is tied to an employer other than the site's trust."""
    problem = pairs.problem
    tied = np.full(len(pairs.requirements), -1, np.int64)
    for row, who in enumerate(pairs.learners):
        learner = problem.learners[who]
        if learner.employer is not None and not learner.released:
            tied[row] = problem.trust_index[learner.employer]
    trusts = pairs.tables.offer_trust[pairs.offers]
    elsewhere: Bools = (tied[:, None] >= 0) & (tied[:, None] != trusts[None, :])
    return elsewhere
