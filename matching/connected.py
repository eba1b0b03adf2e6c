"""What belongs together, directly or through others; places and sums within what does."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from matching.program import Floats
from matching.tables import Ints


def labels(left: Ints, right: Ints, size: int) -> Ints:
    """[size] a label that things share which the pairs `left` and `right` [pairs] tie together, numbered in
    the order of the first of each. O(pairs + size)."""
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def in_turn(size: Ints) -> Ints:
    """0, 1, 2 ... of each of some groups, one after another."""
    out: Ints = np.arange(int(size.sum()), dtype=np.int64) - np.repeat(np.cumsum(size) - size, size)
    return out


def sums(index: Ints, values: Floats, size: int) -> Floats:
    """[size] the sum of the values at each index."""
    return np.bincount(index, values, size).astype(np.float64, copy=False)
