"""travel_limit: door to door within the limit of the learner's mode, or the learner's own shorter one."""

import numpy as np

from matching.problem import UNREACHABLE
from matching.rules.pairs import Bools, Pairs

NAME = "travel_limit"
WORDS = "The journey is longer than the learner's travel limit."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the minutes one way pass the limit, or the site cannot be reached."""
    problem = pairs.problem
    limits = np.array([UNREACHABLE - 1] * len(pairs.learners), np.int64)
    for row, who in enumerate(pairs.learners):
        learner = problem.learners[who]
        limit = pairs.policy.travel_limit[learner.mode]
        if learner.travel_limit_minutes is not None:
            limit = min(limit, learner.travel_limit_minutes)
        limits[row] = limit
    minutes = problem.travel_minutes[pairs.learners[:, None], pairs.sites[None, :]]
    return minutes.astype(np.int64) > limits[:, None]
