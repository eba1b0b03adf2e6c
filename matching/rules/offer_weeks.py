"""offer_weeks: the offer has at least one place in every week of the requirement."""

from matching.rules.pairs import Bools, Pairs

NAME = "offer_weeks"
WORDS = "No place is offered there in some week of the block."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where offer, department, site or trust has no place at all in some week."""
    tables = pairs.tables
    room = tables.room[:, pairs.offers]
    return room[pairs.week_sets] < 1
