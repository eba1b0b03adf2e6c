"""The learners of a round: a page each, constraints, preferences, who goes with whom, changes at any time."""
