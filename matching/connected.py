"""What belongs together, directly or through others."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from matching.tables import Ints


def labels(left: Ints, right: Ints, size: int) -> Ints:
    """[size] a label that things share which the pairs `left` and `right` [pairs] tie together, numbered in
    the order of the first of each. O(pairs + size)."""
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    return connected_components(graph, directed=False)[1].astype(np.int64)
