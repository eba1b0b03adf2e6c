"""accommodation: a learner beyond the travel limit takes one of the site's beds, of which there are only so
many a week.

It forbids no single pair: `travel_limit` lets the learner go where there is a bed in every week, and this
rule keeps those who go so far within the beds of each site and week. With it off nobody goes beyond the
limit.
"""

NAME = "accommodation"
WORDS = "All beds there are taken by other learners who live beyond their travel limit."
