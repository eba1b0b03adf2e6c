"""agreements: what an HEI and a trust agreed, the least and the most placings of its learners in the round.

The most is never passed. The least is an aim of its own tier, `agreement_shortfall`: after the pinned, before
everyone else; what it falls short by is part of the result.
"""

from matching.items import Agreement, Learner

NAME = "agreements"
WORDS = "The HEI has as many placings with this trust as the two have agreed."


def covers(agreement: Agreement, learner: Learner) -> bool:
    """Whether a learner's placings at the trust count under an agreement."""
    return (
        learner.hei == agreement.hei
        and (not agreement.groups or learner.group in agreement.groups)
        and (not agreement.stages or learner.stage in agreement.stages)
    )
