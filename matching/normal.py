"""The equations of an interior point method over a large part, solved along its structure.

Every round of `interior.py` asks for y with (A diag(share) A' + diag(slack)) y = right. A general solver sees
28 thousand rows of a regional year that fill up. Here:

- A learner's own rows (their requirements, their year) meet no other learner's: each learner's are a block.
- All other rows count how many are at a department in some weeks. They see a choice only by its **type**: the
  department, weeks and weight that many choices share. A regional year has 2,500 types.
- Their further columns (steps of load, educators' shares) tie few of these rows: small blocks again.

With the own rows out of the way, choices tie types by a matrix K; with the further columns out of the way,
types tie rows by a matrix X of small blocks, X = U R. What is left to be solved is I + R K R', of as many
rows as there are types. X is turned by an orthogonal U and never inverted, so that it matters nothing how
unequal shares and slacks are. What rounding is left is taken away by conjugate gradients.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import block_diag, csc_matrix, csr_matrix, diags_array, eye_array, vstack

from matching.blocks import Oblongs, Squares
from matching.connected import labels
from matching.program import Floats
from matching.tables import Bools, Ints

# Own rows of one block from which it is written into K by itself.
LARGE = 24
# The most types whose square matrix is held: half a gigabyte. The most multiplications a round for turning
# them: a second or two.
HELD, WORK = 8_000, 1e10
# The part of the right side that is left over when a solve ends, and the most steps it takes.
EXACT, STEPS = 1e-9, 40


class Normal:
    """The equations of the rows A of a program whose first `n` columns are choices. `own` [rows] are those
    of learners, `counting` [rows] those of places and supervision; no further column is in an own row and in
    another. Raises ValueError where one is, and where there would be too much to hold."""

    def __init__(self, rows: csr_matrix, n: int, own: Bools, counting: Bools) -> None:
        self.rows, self.columns = rows, csr_matrix(rows.T)
        choice: Bools = np.arange(rows.shape[1]) < n
        counting = counting & ~own
        self.mine = np.flatnonzero(own)
        self.others = np.concatenate([np.flatnonzero(counting), np.flatnonzero(~own & ~counting)])
        seen = _only(rows[self.others], choice)
        self._own, self._own_columns = _both(rows[self.mine])
        self._further, self._further_columns = _both(_only(rows[self.others], ~choice))
        in_own, in_others = self._own_columns.getnnz(1) > 0, self._further_columns.getnnz(1) > 0
        if (in_own & in_others & ~choice).any():
            raise ValueError("a further column is in a learner's own row and in another")
        self.of_types, types = _types(seen, int(counting.sum()))
        self.types, self._type_columns = _both(types)
        tied = csr_matrix(abs(self._further) @ abs(self._further_columns))
        block = _together(csr_matrix(abs(self._own) @ abs(self._own_columns)))
        further = _together(tied)
        size = np.bincount(block)
        self._small = np.flatnonzero(size[block] <= LARGE)
        self._large = [np.flatnonzero(block == b) for b in np.flatnonzero(size > LARGE).tolist()]
        turning = Oblongs(csr_matrix((tied + eye_array(len(self.others))) @ abs(self.of_types)))
        held = max(float((np.bincount(label).astype(np.float64) ** 2).sum()) for label in (block, further))
        if turning.rank > HELD or held > HELD**2 or turning.work > WORK:
            raise ValueError(f"{turning.rank} types in such blocks are more than can be held or turned")
        self._own_blocks, self._tied, self._turning = Squares(block), Squares(further), turning
        self._room = np.empty((turning.rank, turning.rank))

    def factor(self, share: Floats, slack: Floats) -> None:
        """Takes in `share` [columns] and `slack` [rows], all above 0. Raises LinAlgError where rounding
        leaves nothing to work with."""
        self.share, self.slack = share, slack
        scaled = diags_array(share)
        own = self._own @ scaled @ self._own_columns + diags_array(slack[self.mine])
        self._inverse = self._own_blocks.inverses(csr_matrix(own))
        self._inverse_turned = csr_matrix(self._inverse.T)
        through = csr_matrix(self._inverse @ (self._own @ scaled @ self._type_columns))
        tied = self._further @ scaled @ self._further_columns + diags_array(slack[self.others])
        self._untied = self._tied.inverses(csr_matrix(tied))
        self._untied_turned = csr_matrix(self._untied.T)
        self._turn, upper = self._turning.factors(csr_matrix(self._untied @ self.of_types))
        self._turn_back, turned = csr_matrix(self._turn.T), csr_matrix(upper.T)
        between = self.types @ scaled @ self._type_columns - self._squared(through)
        core = (upper @ between @ turned).toarray(out=self._room)
        core[np.diag_indices_from(core)] += 1.0
        # LAPACK wants columns one after another, and the matrix is its own transpose.
        self._core = cho_factor(core.T, lower=True, overwrite_a=True, check_finite=False)

    def _squared(self, through: csr_matrix) -> csr_matrix:
        """[types, types] P'P, where the few rows that touch many types are multiplied as dense ones."""
        small = through[self._small]
        place = np.zeros(through.shape[1], np.int64)
        rows, columns, values = [], [], []
        for those in self._large:
            part = csr_matrix(through[those])
            touched = np.unique(part.indices)
            place[touched] = np.arange(len(touched))
            dense = np.zeros((part.shape[0], len(touched)))
            dense[np.repeat(np.arange(part.shape[0]), np.diff(part.indptr)), place[part.indices]] = part.data
            rows.append(np.repeat(touched, len(touched)))
            columns.append(np.tile(touched, len(touched)))
            values.append((dense.T @ dense).ravel())
        out = csr_matrix(small.T @ small)
        if rows:
            where = np.concatenate(rows), np.concatenate(columns)
            out = out + csr_matrix((np.concatenate(values), where), shape=out.shape)
        return out

    def times(self, y: Floats) -> Floats:
        """[rows] what the equations make of y."""
        out: Floats = self.rows @ (self.share * (self.columns @ y)) + self.slack * y
        return out

    def solve(self, right: Floats) -> Floats:
        """[rows] y for a right side, by conjugate gradients from what the factors say."""
        y = self._roughly(right)
        left = right - self.times(y)
        enough = EXACT * float(np.linalg.norm(right))
        way, before = np.zeros(len(right)), 0.0
        for _ in range(STEPS):
            if float(np.linalg.norm(left)) <= enough:
                break
            step = self._roughly(left)
            now = float(left @ step)
            way = step + (now / before if before else 0.0) * way
            ahead = self.times(way)
            length = now / float(way @ ahead)
            y, left, before = y + length * way, left - length * ahead, now
        return y

    def _roughly(self, right: Floats) -> Floats:
        mine = self._of_own(right[self.mine])
        seen = self.of_types @ (self.types @ (self.share * (self._own_columns @ mine)))
        others = self._of_others(right[self.others] - seen)
        heard = self._own @ (self.share * (self._type_columns @ (self.of_types.T @ others)))
        out = np.empty(len(right))
        out[self.mine], out[self.others] = self._of_own(right[self.mine] - heard), others
        return out

    def _of_own(self, right: Floats) -> Floats:
        out: Floats = self._inverse_turned @ (self._inverse @ right)
        return out

    def _of_others(self, right: Floats) -> Floats:
        untied = self._untied @ right
        turned = self._turn_back @ untied
        inside = cho_solve(self._core, turned, check_finite=False) - turned
        out: Floats = self._untied_turned @ (untied + self._turn @ inside)
        return out


def _both(rows: csr_matrix) -> tuple[csr_matrix, csr_matrix]:
    """Rows, and the same turned, each quick to multiply with."""
    return csr_matrix(rows), csr_matrix(rows.T)


def _only(rows: csr_matrix, kept: Bools) -> csr_matrix:
    """Rows with the entries of some columns alone."""
    out = csr_matrix(rows @ diags_array(kept.astype(np.float64)))
    out.eliminate_zeros()
    return out


def _types(seen: csr_matrix, counting: int) -> tuple[csr_matrix, csr_matrix]:
    """[rows, types] how rows see types, [types, columns] what they see of each column. The first `counting`
    rows see columns with the same entries in them as one type; each further row is a type of its own."""
    counted = csc_matrix(seen[:counting])
    first, of = _alike(counted)
    some = np.flatnonzero(of >= 0)
    types = csr_matrix((np.ones(len(some)), (of[some], some)), shape=(len(first), seen.shape[1]))
    alone = csr_matrix(eye_array(seen.shape[0] - counting))
    return (
        csr_matrix(block_diag((counted[:, first], alone))),
        csr_matrix(vstack([types, seen[counting:]])),
    )


def _together(tied: csr_matrix) -> Ints:
    """[rows] a label of those that hang together, where some are `tied` [rows, rows]."""
    entries = tied.tocoo()
    return labels(entries.row.astype(np.int64), entries.col.astype(np.int64), tied.shape[0])


def _alike(columns: csc_matrix) -> tuple[Ints, Ints]:
    """The first column of each kind; [columns] the kind of each (-1: it is empty). Columns with the same
    entries are of a kind."""
    columns.sort_indices()
    kinds: dict[bytes, int] = {}
    first: list[int] = []
    of = np.full(columns.shape[1], -1, np.int64)
    start = columns.indptr.tolist()
    for j in np.flatnonzero(np.diff(columns.indptr)).tolist():
        here = slice(start[j], start[j + 1])
        key = columns.indices[here].tobytes() + columns.data[here].tobytes()
        of[j] = kinds.setdefault(key, len(first))
        if of[j] == len(first):
            first.append(j)
    return np.array(first, np.int64), of
