"""Locks that cannot hold together: a smallest set of them for each conflict, with the rules in the way.

A set of locks holds where every requirement that a pin of the set names can be placed as the set says,
within the rules; bans count for those requirements alone, and nobody else need be placed. Whatever holds with
some locks holds with fewer, so the sets that do not have least ones: a conflict is such a set, and with any
one of its locks set aside the others hold.

Where pinned requirements touch no common limit they are looked at apart. In each part the smallest conflict
of all is found first, then the smallest among the locks outside it, and so on until what is left holds: no
two conflicts share a lock, and setting aside one lock of each may still leave others of the same kind.

A smallest conflict is found by minimum hitting sets (Ignatiev, Previti, Liffiton and Marques-Silva, Smallest
MUS extraction with minimal hitting set dualization, CP 2015): a guess holds one lock of every set of locks
known to be given up when the rest hold; it is a smallest conflict once it cannot hold itself. Pins that are
alike (their choices stand in the same limits with the same weights) are counted and not named, so that
thirty pins to a department for five take two guesses. After `GUESSES` of them a conflict is whittled down
lock by lock instead: then it is one with no lock too many, and need not be the smallest.

Each guess is a mixed-integer program over the pinned requirements' choices at the places of their pins.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.columns import Choices, Model, choices
from matching.connected import labels
from matching.eligibility import Eligible, refusing_rules
from matching.model import Builder
from matching.policy import Policy
from matching.problem import Lock
from matching.program import Floats, Program, search
from matching.result import Conflict
from matching.rules import CLASS_RULES, PAIR_RULES
from matching.rules.locks import NAME as LOCKS
from matching.rules.pairs import Pairs
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables

GUESSES = 40


class _Undecided(Exception):
    """A stop or the time came before it was known whether some locks hold."""


def find_conflicts(
    tables: Tables, policy: Policy, unplaced: Iterable[str], stop: Stop, seconds: float
) -> tuple[Conflict, ...]:
    """The conflicts among a problem's locks, ordered by the locks' requirements, places and kinds.

    `unplaced` are the keys of the requirements that the answer leaves over. Those conflicts are given that
    were found within `seconds` and before a stop. Every program is one of the pinned requirements' choices;
    in the worst case there are `GUESSES` + 2 x locks of them for each conflict.
    """
    ends = time.monotonic() + seconds
    ordered = sorted(set(tables.problem.locks), key=lambda k: (k.requirement, k.site_or_department, k.kind))
    pinned = {k.requirement for k in ordered if k.kind == "pin"}
    locked = Locked(tables, policy, [k for k in ordered if k.requirement in pinned])
    left = pinned.intersection(unplaced)
    out = []
    for members in locked.apart():
        knot = Knot(locked, members, stop, ends)
        try:
            rest = list(members)
            while (found := knot.smallest(rest)) is not None:
                locks = tuple(locked.locks[k] for k in found)
                named = sorted({lock.requirement for lock in locks} & left)
                out.append(Conflict(locks, knot.rules(found), tuple(named)))
                rest = [k for k in rest if k not in found]
        except _Undecided:
            break
    return tuple(sorted(out, key=lambda c: [(k.requirement, k.site_or_department, k.kind) for k in c.locks]))


class Locked:
    """The choices of the pinned requirements at the places of their pins, as every other rule allows them,
    and the limits that can bind among them.

    `at[l]` are the choices of lock l's requirement at its place. A row is `rows[i] . columns <= most[i]`, of
    `rule[i]` ("" where it says that each requirement has one place); columns are the choices, then shares of
    educators and repeats, up to `upper`.
    """

    def __init__(self, tables: Tables, policy: Policy, locks: Sequence[Lock]) -> None:
        self.tables, self.policy, self.locks = tables, policy, list(locks)
        problem = tables.problem
        self.requirement = [problem.requirement_index[k.requirement] for k in self.locks]
        eligible = self._eligible()
        bare = policy.replace(locks=False, tiers=({"travel": 1},))
        model = Builder(tables, bare, choices(tables, bare, eligible, np.arange(len(eligible.offer)))).build()
        self.choices = model.choices
        self.rows, self.most, self.rule, self.upper = _limits(model)
        places = [self.place(k) for k in self.locks]
        self.at = [
            np.flatnonzero((self.choices.requirement == r) & place[self.choices.offer])
            for r, place in zip(self.requirement, places, strict=True)
        ]

    def place(self, lock: Lock) -> Bools:
        """[offers] which are at a lock's site or department."""
        problem, tables, key = self.tables.problem, self.tables, lock.site_or_department
        there: Bools = (
            tables.offer_site == problem.site_index[key]
            if key in problem.site_index
            else tables.offer_department == problem.department_index[key]
        )
        return there

    def _eligible(self) -> Eligible:
        """What every rule on pairs but the locks allows, at the places of the pins."""
        tables, policy = self.tables, self.policy
        variants = np.flatnonzero(np.isin(tables.variants.requirement, self.requirement))
        block = Pairs(tables, policy, variants, np.arange(len(tables.problem.offers), dtype=np.int64))
        allowed = np.zeros(block.shape, np.bool_)
        for lock, r in zip(self.locks, self.requirement, strict=True):
            if lock.kind == "pin":
                allowed |= (block.requirements == r)[:, None] & self.place(lock)[None, :]
        for name, forbids in (*CLASS_RULES, *PAIR_RULES):
            if name != LOCKS and getattr(policy, name) is not False:
                allowed &= ~forbids(block)
        row, offer = np.nonzero(allowed)
        variant = variants[row]
        who = tables.variants.requirement[variant]
        start = np.searchsorted(who, np.arange(len(tables.problem.requirements) + 1)).astype(np.int64)
        return Eligible(who, offer.astype(np.int64), start, tables.variants.week_set[variant], variant)

    def apart(self) -> list[list[int]]:
        """The locks (positions) by part: those whose requirements touch no common limit stand apart."""
        count, width = self.rows.shape
        entries = self.rows.tocoo()
        label = labels(entries.row.astype(np.int64), entries.col.astype(np.int64) + count, count + width)[
            count:
        ]
        column_of = {int(r): k for k, r in enumerate(self.choices.requirement.tolist())}
        parts: dict[int, list[int]] = {}
        for position, r in enumerate(self.requirement):
            # One without a choice is a part by itself.
            part = int(label[column_of[r]]) if r in column_of else -1 - r
            parts.setdefault(part, []).append(position)
        return list(parts.values())


def _limits(model: Model) -> tuple[csr_matrix, Floats, list[str], Floats]:
    """Rows, most, rule and upper bounds of a model with what can never bind left out. Further columns that
    stand in one row alone are taken at their most, as nothing has a price here."""
    n = len(model.choices)
    names, rows, most, upper = model.names, model.rows, model.most, model.upper
    alone = np.bincount(rows.indices, minlength=model.width) <= 1
    alone[:n] = False
    most = most - rows[:, alone].minimum(0) @ upper[alone]
    rows, upper = rows[:, ~alone].tocsr(), upper[~alone]
    whose = [name.rule == "requirement" for name in names]
    binds = _highest(rows, upper, model.choices) > most + 1e-9
    keep = np.flatnonzero(binds | np.array(whose, np.bool_))
    rule = ["" if whose[i] else names[i].rule for i in keep.tolist()]
    return csr_matrix(rows[keep]), most[keep], rule, upper


def _highest(rows: csr_matrix, upper: Floats, chosen: Choices) -> Floats:
    """[rows] the most that each can come to where every requirement takes one choice at most."""
    entries = rows.tocoo()
    label = np.arange(rows.shape[1]) + (int(chosen.requirement.max(initial=0)) + 1)
    label[: len(chosen)] = chosen.requirement
    value = np.maximum(0.0, entries.data) * upper[entries.col]
    cell = entries.row.astype(np.int64) * (int(label.max(initial=0)) + 1) + label[entries.col]
    cells, position = np.unique(cell, return_inverse=True)
    top = np.zeros(len(cells))
    np.maximum.at(top, position, value)
    return np.bincount(cells // (int(label.max(initial=0)) + 1), top, rows.shape[0]).astype(np.float64)


class Knot:
    """The locks of one part, and whether some of them hold together."""

    def __init__(self, locked: Locked, members: Sequence[int], stop: Stop, ends: float) -> None:
        self.locked, self.members, self.stop, self.ends = locked, list(members), stop, ends
        mine = np.isin(locked.choices.requirement, [locked.requirement[k] for k in members])
        about = np.diff(csr_matrix(locked.rows[:, : len(mine)][:, mine]).indptr) > 0
        n = len(mine)
        further = np.zeros(locked.rows.shape[1], np.bool_)
        # Shares reach from row to row: a department's, then its educators', then other departments'.
        while True:
            further[n:] = np.diff(locked.rows[about][:, n:].tocsc().indptr) > 0
            reached = about | (np.diff(csr_matrix(locked.rows[:, further]).indptr) > 0)
            if (reached == about).all():
                break
            about = reached
        columns = np.concatenate([mine, further[n:]])
        self.position = np.cumsum(columns) - 1
        self.width, self.choices = int(columns.sum()), int(mine.sum())
        self.limits = csr_matrix(locked.rows[about][:, columns])
        self.most, self.upper = locked.most[about], locked.upper[columns]
        self.rule = np.array([locked.rule[i] for i in np.flatnonzero(about)], np.str_)
        self.says = self._locks()

    def _locks(self) -> csr_matrix:
        """[members, columns + members] a pin: held - its choices <= 0; a ban: held + its choices <= 1."""
        rows, columns, values = [], [], []
        for i, k in enumerate(self.members):
            at = self.position[self.locked.at[k]].tolist()
            sign = -1.0 if self.locked.locks[k].kind == "pin" else 1.0
            rows += [i] * (len(at) + 1)
            columns += [*at, self.width + i]
            values += [sign] * len(at) + [1.0]
        shape = (len(self.members), self.width + len(self.members))
        return csr_matrix((values, (rows, columns)), shape=shape)

    def hold(
        self, together: Iterable[int], among: Iterable[int], without: frozenset[str] = frozenset()
    ) -> set[int] | None:
        """Locks `among` those given that hold at once, as many as can, these `together` among them; None
        where those do not hold. The limits of the rules `without` are left out."""
        together = list(together)
        if any(not self.open_to(own) for own in self.by_requirement(together)):
            return None
        index = {k: i for i, k in enumerate(self.members)}
        must, may = [index[k] for k in together], [index[k] for k in among]
        count = len(self.members)
        kept = ~np.isin(self.rule, list(without))
        limits = hstack([self.limits[kept], csr_matrix((int(kept.sum()), count))])
        asked = csr_matrix(
            (np.full(len(must), -1.0), (range(len(must)), [self.width + i for i in must])),
            shape=(len(must), self.width + count),
        )
        bans = np.array([self.locked.locks[k].kind == "ban" for k in self.members], np.float64)
        upper = np.concatenate([self.upper, np.zeros(count)])
        upper[[self.width + i for i in {*may, *must}]] = 1.0
        cost = np.zeros(self.width + count)
        cost[self.width :] = -1.0
        whole = np.ones(self.width + count, np.bool_)
        whole[self.choices : self.width] = False
        program = Program(
            cost,
            vstack([limits, self.says, asked]).tocsr(),
            np.concatenate([self.most[kept], bans, np.full(len(must), -1.0)]),
            upper,
            whole,
        )
        x = self._solve(program)
        return None if x is None else {self.members[i] for i in np.flatnonzero(x[self.width :] > 0.5)}

    def by_requirement(self, locks: Sequence[int]) -> list[list[int]]:
        """Locks of each requirement that one of them pins."""
        groups: dict[int, list[int]] = {}
        for k in locks:
            groups.setdefault(self.locked.requirement[k], []).append(k)
        kind = self.locked.locks
        return [own for own in groups.values() if any(kind[k].kind == "pin" for k in own)]

    def open_to(self, own: Sequence[int]) -> set[int]:
        """The choices that the locks of a requirement leave it."""
        locked = self.locked
        pins = [set(locked.at[k].tolist()) for k in own if locked.locks[k].kind == "pin"]
        bans = [set(locked.at[k].tolist()) for k in own if locked.locks[k].kind == "ban"]
        return set.intersection(*pins).difference(*bans)

    def _solve(self, program: Program) -> Floats | None:
        """A solution, None where there is none."""
        left = self.ends - time.monotonic()
        if left <= 0 or self.stop():
            raise _Undecided
        found = search(program, None, self.stop, left)
        if found.x is None and found.bound < math.inf:
            raise _Undecided
        return found.x

    def smallest(self, among: Sequence[int]) -> list[int] | None:
        """A smallest conflict among some locks, in their order; None where they hold. One with no lock too
        many after `GUESSES`."""
        if not among:
            return None
        held = self.hold((), among)
        if held is None:
            raise AssertionError("not even no locks at all hold")
        if held == set(among):
            return None
        alike = self.alike(among)
        known: list[list[int]] = []
        for _ in range(GUESSES):
            known.append([sum(k in held for k in group) for group in alike])
            guess = self._guess(alike, known)
            more = self.hold(guess, among)
            if more is None:
                return sorted(guess)
            held = more
        return self._whittled(among, lambda some: self.hold(some, some) is None)

    def _guess(self, alike: list[list[int]], known: list[list[int]]) -> list[int]:
        """The fewest locks, the first ones of each group of alike, that are more of some group than each of
        the numbers known to hold."""
        begin = np.cumsum([0, *map(len, alike)])
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        most: list[float] = []
        for numbers in known:
            for start, group, number in zip(begin.tolist(), alike, numbers, strict=False):
                if number < len(group):
                    rows.append(len(most))
                    columns.append(start + number)
                    values.append(-1.0)
            most.append(-1.0)
        for start, group in zip(begin.tolist(), alike, strict=False):
            for k in range(start + 1, start + len(group)):
                rows += [len(most)] * 2
                columns += [k, k - 1]
                values += [1.0, -1.0]
                most.append(0.0)
        width = int(begin[-1])
        matrix = csr_matrix((values, (rows, columns)), shape=(len(most), width))
        ones = np.ones(width)
        x = self._solve(Program(ones, matrix, np.array(most), ones, np.ones(width, np.bool_)))
        if x is None:
            raise AssertionError("no set of locks meets every set to be given up")
        every = [k for group in alike for k in group]
        return [every[i] for i in np.flatnonzero(x > 0.5)]

    def _whittled(self, locks: Sequence[int], conflict: Callable[[list[int]], bool]) -> list[int]:
        """A conflict with no lock too many: ever smaller pieces are left out as long as it stays one."""
        kept = list(locks)
        size = max(1, len(kept) // 2)
        while True:
            i = 0
            while i < len(kept):
                fewer = kept[:i] + kept[i + size :]
                if conflict(fewer):
                    kept = fewer
                else:
                    i += size
            if size == 1:
                return kept
            size //= 2

    def alike(self, among: Sequence[int]) -> list[list[int]]:
        """Groups of locks that can stand for each other: only pins of their requirements, whose choices are
        in the same limits with the same values. Any other lock is a group by itself."""
        shared = csr_matrix(self.limits[self.rule != ""]).tocsc()
        whose = [self.locked.requirement[k] for k in self.members]
        groups: dict[object, list[int]] = {}
        for k in among:
            if self.locked.locks[k].kind != "pin" or whose.count(self.locked.requirement[k]) > 1:
                groups[k] = [k]
                continue
            marks = []
            for column in self.position[self.locked.at[k]].tolist():
                part = slice(shared.indptr[column], shared.indptr[column + 1])
                marks.append(tuple(zip(shared.indices[part], shared.data[part], strict=True)))
            groups.setdefault(tuple(sorted(marks)), []).append(k)
        return list(groups.values())

    # -- what stands in the way ------------------------------------------------------------

    def rules(self, conflict: Sequence[int]) -> tuple[str, ...]:
        """The rules by which some locks do not hold: of a single requirement with no place left, what refuses
        each; otherwise a set of rules of which none is too many."""
        if any(not self.open_to(own) for own in self.by_requirement(conflict)):
            return self._refusals(conflict)
        kept = sorted(set(self.rule.tolist()) - {""})
        for rule in list(kept):
            fewer = [name for name in kept if name != rule]
            without = frozenset(self.rule.tolist()) - {"", *fewer}
            if self.hold(conflict, conflict, without) is None:
                kept = fewer
        return tuple(kept)

    def _refusals(self, conflict: Sequence[int]) -> tuple[str, ...]:
        """What refuses a requirement the offers of a right modality at the places of its pins."""
        locked, tables, policy = self.locked, self.locked.tables, self.locked.policy
        problem = tables.problem
        r = locked.requirement[conflict[0]]
        names, first = refusing_rules(tables, policy.replace(locks=False), np.array([r], np.int64))
        there = np.zeros(len(problem.offers), np.bool_)
        fits = False
        for k in conflict:
            lock = locked.locks[k]
            if lock.kind == "pin":
                there |= locked.place(lock)
                fits |= any(
                    lock.site_or_department in (d.site, d.key)
                    and (not policy.modality_fit or d.modality in problem.requirements[r].modalities)
                    for d in problem.departments
                )
        if policy.modality_fit:
            right = [d.modality in problem.requirements[r].modalities for d in problem.departments]
            there &= np.array(right, np.bool_)[tables.offer_department]
        codes: Ints = np.unique(first[0][there]).astype(np.int64)
        found = {LOCKS if code == 0 else names[code - 1] for code in codes.tolist()}
        return tuple(sorted(found)) or (("offer_weeks",) if fits else ("modality_fit",))
