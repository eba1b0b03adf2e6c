"""modality_fit: a requirement goes to a department of one of its modalities."""

import numpy as np

from matching.rules.pairs import Bools, Pairs

NAME = "modality_fit"
WORDS = "The site has no department of a modality that the requirement asks for."


def forbids(pairs: Pairs) -> Bools:
    """[rows, columns] True where the offer's modality is not among the requirement's."""
    problem, tables = pairs.problem, pairs.tables
    modality = [problem.departments[d].modality for d in tables.offer_department[pairs.offers]]
    rows = []
    seen: dict[tuple[str, ...], Bools] = {}
    for r in pairs.requirements:
        wanted = problem.requirements[r].modalities
        if wanted not in seen:
            seen[wanted] = np.array([m not in wanted for m in modality], np.bool_)
        rows.append(seen[wanted])
    return np.array(rows, np.bool_).reshape(pairs.shape)
