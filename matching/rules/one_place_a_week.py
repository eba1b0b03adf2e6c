"""one_place_a_week: a learner is never in two placements in the same week.

It forbids no single pair; `integer` adds a row for each learner and week with several requirements, and a
part where it could bind is never solved as a pure flow.
"""

NAME = "one_place_a_week"
WORDS = "The learner has another placement in some of the same weeks."
