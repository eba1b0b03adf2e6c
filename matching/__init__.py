"""The matching engine's front door: a problem and a policy in, a certified allocation out.

import matching
problem = matching.generate("tiny", seed=1)
result = matching.solve(problem, matching.Policy(seed=7))
assert not matching.verify(problem, matching.Policy(seed=7), result)
"""

from matching.additions import (
    Addition,
    Amount,
    GrowthError,
    MoreLearners,
    possible_additions,
    with_additions,
    with_learners,
)
from matching.block_needs import BlockNeed, block_needs
from matching.by_hand import Effect, Wish, effect, with_moves
from matching.certificates import Certificate, FullLimit, certificate
from matching.changes import Change, changed
from matching.events import (
    EducatorAway,
    Event,
    EventError,
    LateLearner,
    MustMove,
    PlacesCut,
    SiteClosed,
    Withdrawal,
    WteCut,
    apply,
    events_from_json,
    events_to_json,
)
from matching.frontier import GrowthStep, frontier
from matching.generate import generate
from matching.most_placed import MostPlaced
from matching.next_best import Alternative, Move, TierChange, alternatives
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
from matching.reach import LearnerReach, Reach, Reached, reach
from matching.repair import Repair, repair
from matching.repair_moves import Moved
from matching.resilience import Loss, lose_each
from matching.resolve import OutOfTime
from matching.result import Conflict, FullCap, Price, Reason, Result, Share, Stage, Tier
from matching.rules import RULES
from matching.solve import solve
from matching.standing import Standing
from matching.stop import MaxSeconds, Never, Stop
from matching.validation import EngineError, PolicyError, ProblemError, ResultError
from matching.verify import Violation, broken_rules, verify
from matching.way_there import WayThere, what_must_change
from matching.worth import Value, prices, raised
from matching.worth_asking import RaisedLimit, worth_asking

__all__ = [
    "RULES",
    "UNREACHABLE",
    "Addition",
    "Agreement",
    "Alternative",
    "Amount",
    "BlockNeed",
    "Certificate",
    "Change",
    "Companions",
    "Conflict",
    "Department",
    "Educator",
    "EducatorAway",
    "Effect",
    "EngineError",
    "Event",
    "EventError",
    "FullCap",
    "FullLimit",
    "GrowthError",
    "GrowthStep",
    "LateLearner",
    "Learner",
    "LearnerReach",
    "Lock",
    "Loss",
    "MaxSeconds",
    "MoreLearners",
    "MostPlaced",
    "Move",
    "Moved",
    "MustMove",
    "Never",
    "Offer",
    "OutOfTime",
    "PlacesCut",
    "Placing",
    "Policy",
    "PolicyError",
    "Price",
    "Problem",
    "ProblemError",
    "Progress",
    "RaisedLimit",
    "Reach",
    "Reached",
    "Reason",
    "Repair",
    "Requirement",
    "Result",
    "ResultError",
    "Rotation",
    "Share",
    "Site",
    "SiteClosed",
    "Stage",
    "Standing",
    "Stop",
    "Tier",
    "TierChange",
    "Trust",
    "Value",
    "Violation",
    "WayThere",
    "Wish",
    "Withdrawal",
    "WteCut",
    "alternatives",
    "apply",
    "block_needs",
    "broken_rules",
    "certificate",
    "changed",
    "effect",
    "events_from_json",
    "events_to_json",
    "frontier",
    "generate",
    "lose_each",
    "possible_additions",
    "prices",
    "raised",
    "reach",
    "repair",
    "solve",
    "verify",
    "what_must_change",
    "with_additions",
    "with_learners",
    "with_moves",
    "worth_asking",
]
