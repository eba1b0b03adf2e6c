"""agreements: what an HEI and a trust agreed, the least and the most placings of its learners in the round.

The most is never passed. The least is an aim of its own tier, `agreement_shortfall`: after the pinned, before
everyone else; what it falls short by is part of the result.
"""

NAME = "agreements"
WORDS = "The HEI has as many placings with this trust as the two have agreed."
