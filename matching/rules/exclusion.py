"""exclusion: a learner never goes to a site they must avoid."""

import numpy as np

from matching.rules.pairs import Bools, Pairs

NAME = "exclusion"
WORDS = "The site is one that this learner must not be sent to."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the site is on the learner's list of excluded sites."""
    problem = pairs.problem
    out = np.zeros(pairs.shape, np.bool_)
    for row, who in enumerate(pairs.learners):
        excluded = problem.learners[who].excluded_sites
        if excluded:
            out[row] = np.isin(pairs.sites, [problem.site_index[key] for key in excluded])
    return out
