"""companions: learners who stay together, or apart, whenever they are placed in the same week.

It binds pairs of placings that share a week; a learner who is left over breaks nothing.
"""

NAME = "companions"
WORDS = "It would bring learners together who are kept apart, or part those who go together."
