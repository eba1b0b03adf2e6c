"""site_repeats: a learner is placed at one site at most so many times, earlier placements included.

It forbids no single pair by itself: where a learner goes depends on where else they go.
"""

NAME = "site_repeats"
WORDS = "The learner has been, or goes, to this site as often as their programme lets them."
