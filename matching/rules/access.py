"""access: a learner goes only to sites that meet all their access needs."""

import numpy as np

from matching.rules.pairs import Bools, Pairs

NAME = "access"
WORDS = "The site does not meet an access need of this learner."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the site lacks one of the learner's access needs."""
    problem = pairs.problem
    out = np.zeros(pairs.shape, np.bool_)
    seen: dict[frozenset[str], Bools] = {}
    for row, who in enumerate(pairs.learners):
        needs = frozenset(problem.learners[who].access_needs)
        if needs:
            if needs not in seen:
                seen[needs] = np.array([not needs <= set(site.access) for site in problem.sites], np.bool_)
            out[row] = seen[needs][pairs.sites]
    return out
