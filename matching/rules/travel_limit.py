"""travel_limit: door to door within the limit of the learner's mode, or the learner's own shorter one."""

import numpy as np

from matching.problem import UNREACHABLE
from matching.rules.pairs import Bools, Pairs

NAME = "travel_limit"
WORDS = "The journey is longer than the learner's travel limit."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the minutes one way pass the limit and no bed is offered and wanted, or the
    site cannot be reached."""
    problem, tables = pairs.problem, pairs.tables
    limits = tables.travel_limits(pairs.policy)[pairs.learners]
    minutes = problem.travel_minutes[pairs.learners[:, None], pairs.sites[None, :]].astype(np.int64)
    beyond = minutes > limits[:, None]
    if pairs.policy.accommodation:
        wants = np.array([problem.learners[who].accommodation for who in pairs.learners], np.bool_)
        beyond &= ~(wants[:, None] & (tables.beds[pairs.week_sets][:, pairs.sites] > 0))
    result: Bools = beyond | (minutes >= UNREACHABLE)
    return result
