"""The matching engine's front door: a problem and a policy in, a certified allocation out.

import matching
problem = matching.generate("tiny", seed=1)
result = matching.solve(problem, matching.Policy(seed=7))
assert not matching.verify(problem, matching.Policy(seed=7), result)
"""

from matching.generate import generate
from matching.policy import Policy
from matching.problem import (
    UNREACHABLE,
    Agreement,
    Companions,
    Department,
    Educator,
    Learner,
    Lock,
    Offer,
    Placing,
    Problem,
    Requirement,
    Rotation,
    Site,
    Trust,
)
from matching.progress import Progress
from matching.result import Conflict, FullCap, Price, Reason, Result, Share, Stage, Tier
from matching.rules import RULES
from matching.solve import solve
from matching.stop import MaxSeconds, Never, Stop
from matching.validation import EngineError, PolicyError, ProblemError, ResultError
from matching.verify import Violation, verify

__all__ = [
    "RULES",
    "UNREACHABLE",
    "Agreement",
    "Companions",
    "Conflict",
    "Department",
    "Educator",
    "EngineError",
    "FullCap",
    "Learner",
    "Lock",
    "MaxSeconds",
    "Never",
    "Offer",
    "Placing",
    "Policy",
    "PolicyError",
    "Price",
    "Problem",
    "ProblemError",
    "Progress",
    "Reason",
    "Requirement",
    "Result",
    "ResultError",
    "Rotation",
    "Share",
    "Site",
    "Stage",
    "Stop",
    "Tier",
    "Trust",
    "Violation",
    "generate",
    "solve",
    "verify",
]
