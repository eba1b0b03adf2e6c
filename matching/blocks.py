"""Sparse matrices that fall into many small dense blocks, factored block by block, those of one shape at a
time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from matching.connected import in_turn, labels, sums
from matching.program import Floats
from matching.tables import Ints

# Added to the diagonal, as a part of it, where rounding leaves a block without a factor; in turn.
RIDGES = (0.0, 1e-14, 1e-12, 1e-10, 1e-8)


class Squares:
    """Square blocks on the diagonal, each of the rows of one label [rows]."""

    def __init__(self, label: Ints) -> None:
        size = np.bincount(label)
        order = np.argsort(size, kind="stable")
        rank = np.empty(len(size), np.int64)
        rank[order] = np.arange(len(size))
        size, of = size[order], rank[label]
        rows, local = _sorted(of, size)
        self.n, wide = len(label), size[of]
        # Where a row's entries begin when all blocks are written one after another, and a column's place.
        begin = np.cumsum(size**2) - size**2
        self._row, self._column, self._total = begin[of] + local * wide, local, int((size**2).sum())
        self._shapes = [(int(begin[a]), int(size[a]), b - a) for a, b in pairwise(_cuts(size))]
        first = np.cumsum(size) - size
        row = np.repeat(np.arange(self.n), wide)
        column = rows[np.repeat(first[of], wide) + in_turn(wide)]
        lower = local[column] <= local[row]
        self._at = (self._row[row] + local[column])[lower]
        self._entries = column[lower], np.concatenate([[0], np.cumsum(local + 1)])

    def inverses(self, matrix: csr_matrix) -> csr_matrix:
        """The inverse of L, where L L' is the matrix. Raises LinAlgError where a block is not positive."""
        entries = matrix.tocoo()
        where = self._row[entries.row] + self._column[entries.col]
        whole = sums(where, entries.data, self._total)
        inverse = np.empty(self._total)
        for at, size, count in self._shapes:
            here = slice(at, at + size * size * count)
            inverse[here] = np.linalg.inv(_factor(whole[here].reshape(count, size, size))).ravel()
        column, start = self._entries
        return csr_matrix((inverse[self._at], column, start), shape=(self.n, self.n))


class Oblongs:
    """Blocks of rows and columns that hang together in a matrix of the same pattern or a part of it."""

    def __init__(self, pattern: csr_matrix) -> None:
        m, n = pattern.shape
        entries = pattern.tocoo()
        label = labels(entries.row.astype(np.int64), entries.col.astype(np.int64) + m, m + n)
        kinds = int(label.max(initial=-1)) + 1
        high, wide = (np.bincount(each, minlength=kinds) for each in (label[:m], label[m:]))
        order = np.flatnonzero((high > 0) & (wide > 0))
        order = order[np.lexsort((wide[order], high[order]))]
        rank = np.full(kinds, -1, np.int64)
        rank[order] = np.arange(len(order))
        high, wide = high[order], wide[order]
        least = np.minimum(high, wide)
        self.shape, self.rank = (m, n), int(least.sum())
        # Multiplications of a factoring, about.
        self.work = float((high.astype(np.float64) * wide * least).sum())
        rows, row = _sorted(rank[label[:m]], high)
        columns, self._column = _sorted(rank[label[m:]], wide)
        begin = np.cumsum(high * wide) - high * wide
        of = np.maximum(0, rank[label[:m]])
        self._row = (begin[of] + row * wide[of]) if len(order) else np.zeros(m, np.int64)
        self._total = int((high * wide).sum())
        self._shapes: list[tuple[int, int, int, int]] = []
        turned, upper = [], []
        ends = [np.cumsum(each) - each for each in (high, wide, least)]
        for a, b in pairwise(_cuts(high * (wide.max(initial=0) + 1) + wide)):
            shape = int(high[a]), int(wide[a]), int(least[a])
            self._shapes.append((int(begin[a]), shape[0], shape[1], b - a))
            r, c, k = (e[a:b, None] + np.arange(s) for e, s in zip(ends, shape, strict=True))
            turned.append(_crossed(rows[r], k))
            upper.append(_crossed(k, columns[c]))
        self._turned, self._upper = _joined(turned), _joined(upper)

    def factors(self, matrix: csr_matrix) -> tuple[csr_matrix, csr_matrix]:
        """U with orthonormal columns and R, where U R is the matrix."""
        entries = matrix.tocoo()
        where = self._row[entries.row] + self._column[entries.col]
        whole = sums(where, entries.data, self._total)
        turned, upper = [np.zeros(0)], [np.zeros(0)]
        for at, high, wide, count in self._shapes:
            u, r = np.linalg.qr(whole[at : at + high * wide * count].reshape(count, high, wide))
            turned.append(u.ravel())
            upper.append(r.ravel())
        m, n = self.shape
        return (
            csr_matrix((np.concatenate(turned), self._turned), shape=(m, self.rank)),
            csr_matrix((np.concatenate(upper), self._upper), shape=(self.rank, n)),
        )


def _factor(blocks: Floats) -> Floats:
    i = np.arange(blocks.shape[1])
    for ridge in RIDGES:
        blocks[:, i, i] *= 1.0 + ridge
        try:
            return np.asarray(np.linalg.cholesky(blocks))
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError("a block is not positive")


def _cuts(key: Ints) -> list[int]:
    """Where runs of the same key begin, and the end."""
    return [0, *(np.flatnonzero(np.diff(key)) + 1).tolist(), len(key)] if len(key) else [0]


def _sorted(rank: Ints, size: Ints) -> tuple[Ints, Ints]:
    """What has a rank, in its order; [all] its place among those of the same one."""
    those = np.flatnonzero(rank >= 0)
    those = those[np.argsort(rank[those], kind="stable")]
    local = np.zeros(len(rank), np.int64)
    local[those] = in_turn(size)
    return those, local


def _crossed(rows: Ints, columns: Ints) -> tuple[Ints, Ints]:
    """[blocks, high] and [blocks, wide] as the row and column of every entry."""
    shape = (len(rows), rows.shape[1], columns.shape[1])
    return (
        np.broadcast_to(rows[:, :, None], shape).ravel(),
        np.broadcast_to(columns[:, None, :], shape).ravel(),
    )


def _joined(pieces: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    none = np.zeros(0, np.int64)
    return (
        np.concatenate([none, *(row for row, _ in pieces)]),
        np.concatenate([none, *(column for _, column in pieces)]),
    )
