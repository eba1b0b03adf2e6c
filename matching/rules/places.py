"""places: no more learners at once than an offer, its department, site and trust hold, week by week.

The rule forbids no single pair (one learner always fits where `offer_weeks` allows); it is kept by the caps
of `network` and the rows of `integer`, and speaks in reasons of shortage.
"""

NAME = "places"
WORDS = "All places there are taken by learners who have nowhere else to go, or who are to be placed first."
