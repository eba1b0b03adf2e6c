"""Supervision by department and week, with educators whose time is shared, counted from the data types alone.

In thousandths of a WTE: W(d, w) is the weight placed in a department and week, y(e, d, w) the part of it that
educator e takes. What is left, W - sum of y, is the department's own. Whether the y can be of learners whom
each educator may supervise, and whether learners can be split over the educators with no more at once than
each takes, are two flows of their own, each a greatest flow found here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from matching.problem import Department
from matching.recount import Recount, Stay, Violation, may_supervise, thousandths

# By educator, department and week.
Shares = Mapping[tuple[str, str, int], int]
# A learner group and stage.
Kind = tuple[str, str]


def unknown_shares(count: Recount) -> Iterator[Violation]:
    """Shares that name nothing known, are no whole thousandths above 0, or are given twice."""
    seen: set[tuple[str, str, str]] = set()
    for share in count.result.shares:
        item = f"educator {share.educator}"
        educator = count.educators.get(share.educator)
        if educator is None:
            yield Violation("shares", item, "no such educator")
        elif share.department not in educator.departments:
            yield Violation("shares", item, f"does not serve department {share.department}")
        if share.week not in count.week:
            yield Violation("shares", item, f"no such week as {share.week}")
        if not 0.0005 < share.wte < 1e9 or abs(thousandths(share.wte) - share.wte * 1000) > 1e-6:
            yield Violation("shares", item, f"{share.wte} is not in whole thousandths of a WTE above 0")
        where = (share.educator, share.department, share.week)
        if where in seen:
            yield Violation("shares", item, f"{share.department} has two shares in {share.week}")
        seen.add(where)


def shares_given(count: Recount) -> dict[tuple[str, str, int], int]:
    """The shares of a result, once all of them are known."""
    return {(s.educator, s.department, count.week[s.week]): thousandths(s.wte) for s in count.result.shares}


def supervised(stays: list[Stay]) -> dict[tuple[str, int], int]:
    """W: the weight placed by department and week."""
    total: dict[tuple[str, int], int] = defaultdict(int)
    for stay in stays:
        weight = thousandths(stay.requirement.weight)
        for w in stay.weeks:
            total[stay.department.key, w] += weight
    return total


def own_wte(count: Recount, department: Department, week: int) -> int | None:
    """A department's own WTE: none declared counts as 0 where an educator serves it, else as no limit."""
    if department.wte is not None:
        return thousandths(department.wte[week])
    return 0 if count.serving.get(department.key) else None


def supervision(count: Recount, stays: list[Stay], shares: Shares) -> Iterator[Violation]:
    """Departments and educators who supervise more than the limit, and shares of more than there is."""
    load, weeks = count.policy.supervision, count.problem.weeks
    own, of_educator = _used(stays, shares)
    for (key, w), used in own.items():
        if used < 0:
            found = f"educators take {-used / 1000:g} WTE more in {weeks[w]} than is supervised there"
            yield Violation("shares", f"department {key}", found)
            continue
        wte = own_wte(count, count.departments[key], w)
        if load is not None and wte is not None and used > count.within(wte / 1000):
            found = f"{used / 1000:g} WTE supervised of its own in {weeks[w]}, {wte / 1000:g} available"
            yield Violation("supervision", f"department {key}", found)
    for (key, w), used in of_educator.items():
        wte = thousandths(count.educators[key].wte[w])
        if load is not None and used > count.within(wte / 1000):
            found = f"{used / 1000:g} WTE shared out in {weeks[w]}, {wte / 1000:g} available"
            yield Violation("supervision", f"educator {key}", found)
    yield from _of_whom(count, stays, shares)
    if load is not None:
        yield from _at_once(count, stays)


def _of_whom(count: Recount, stays: list[Stay], shares: Shares) -> Iterator[Violation]:
    """Shares in a department and week that are more than there is of learners whom these educators may
    supervise."""
    given: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    for (educator, department, w), part in shares.items():
        given[department, w][educator] = part
    some = {at for at, parts in given.items() if any(count.educators[e].supervises for e in parts)}
    there: dict[tuple[str, int], dict[Kind, int]] = {at: defaultdict(int) for at in some}
    for stay in stays if some else ():
        for w in stay.weeks:
            if (stay.department.key, w) in some:
                kind = (stay.learner.group, stay.learner.stage)
                there[stay.department.key, w][kind] += thousandths(stay.requirement.weight)
    for (key, w), kinds in there.items():
        parts = given[key, w]
        taken = _carried(count, {(key, kind): weight for kind, weight in kinds.items()}, parts)
        if taken < sum(parts.values()):
            found = f"educators take {(sum(parts.values()) - taken) / 1000:g} WTE in {count.problem.weeks[w]}"
            yield Violation("shares", f"department {key}", f"{found} of learners they may not supervise")


def _at_once(count: Recount, stays: list[Stay]) -> Iterator[Violation]:
    """Weeks in which not every learner who must be on an educator can be, with no more at once than each
    takes, and who may be supervised by them."""
    asked: dict[int, dict[tuple[str, Kind], int]] = defaultdict(lambda: defaultdict(int))
    for stay in stays:
        if not count.serving.get(stay.department.key) or not thousandths(stay.requirement.weight):
            continue
        for w in stay.weeks:
            if count.counts_learners(stay.department, w):
                asked[w][stay.department.key, (stay.learner.group, stay.learner.stage)] += 1
    for w, kinds in asked.items():
        total, most = sum(kinds.values()), {}
        for e in dict.fromkeys(e for d, _ in kinds for e in count.serving[d]):
            declared = count.educators[e].most
            most[e] = total if declared is None else declared[w]
        taken = _carried(count, kinds, most)
        if taken < total:
            where = ", ".join(sorted({d for d, _ in kinds}))
            found = f"{total} learners in {count.problem.weeks[w]}, {taken} at once with their educators"
            yield Violation("supervision", f"department {where}", found)


def _carried(count: Recount, where: Mapping[tuple[str, Kind], int], most: Mapping[str, int]) -> int:
    """How much of what is in departments, by group and stage, the educators there can take."""
    names = list(most)
    may = [
        [
            k
            for k, e in enumerate(names)
            if d in count.educators[e].departments and may_supervise(count.educators[e], *kind)
        ]
        for d, kind in where
    ]
    return carried(list(where.values()), list(most.values()), may)


def carried(amounts: Sequence[int], mosts: Sequence[int], may: Sequence[Sequence[int]]) -> int:
    """How much of `amounts` [sources] the sinks can take, `mosts` [sinks] each, where source i may use the
    sinks `may[i]`. By one shortest augmenting path after another (Edmonds and Karp, Theoretical improvements
    in algorithmic efficiency for network flow problems, 1972); all whole."""
    flow = [[0] * len(mosts) for _ in amounts]
    left, room = list(amounts), list(mosts)
    while (end := _reached(flow, left, room, may)) is not None:
        j, source_of, sink_of = end
        amount, steps = room[j], []
        room_at = j
        while True:
            i = source_of[j]
            steps.append((i, j, 1))
            back = sink_of[i]
            if back is None:
                amount = min(amount, left[i])
                break
            amount = min(amount, flow[i][back])
            steps.append((i, back, -1))
            j = back
        for i, sink, sign in steps:
            flow[i][sink] += sign * amount
        left[steps[-1][0]] -= amount
        room[room_at] -= amount
    return sum(amounts) - sum(left)


def _reached(
    flow: list[list[int]], left: list[int], room: list[int], may: Sequence[Sequence[int]]
) -> tuple[int, dict[int, int], dict[int, int | None]] | None:
    """The nearest sink with room, and the way to it: of sinks the source before, of sources the sink before
    (None: the way begins there); None where there is no way."""
    source_of: dict[int, int] = {}
    sink_of: dict[int, int | None] = {i: None for i, amount in enumerate(left) if amount}
    queue = list(sink_of)
    for i in queue:  # grows as it goes
        for j in may[i]:
            if j in source_of:
                continue
            source_of[j] = i
            if room[j]:
                return j, source_of, sink_of
            for k, row in enumerate(flow):
                if row[j] and k not in sink_of:
                    sink_of[k] = j
                    queue.append(k)
    return None


def load_cost(count: Recount, stays: list[Stay], shares: Shares) -> int:
    """The price of the load of every department and educator, thousandths of a point:
    sum of price x max(0, used - wte x percent / 100) over the steps of `supervisor_load`."""
    own, of_educator = _used(stays, shares)
    cost = 0
    for (key, w), used in own.items():
        wte = own_wte(count, count.departments[key], w)
        if wte is not None:
            cost += _price(count, used, wte)
    for (key, w), used in of_educator.items():
        cost += _price(count, used, thousandths(count.educators[key].wte[w]))
    return cost


def _used(stays: list[Stay], shares: Shares) -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], int]]:
    own = supervised(stays)
    of_educator: dict[tuple[str, int], int] = defaultdict(int)
    for (educator, department, w), part in shares.items():
        own[department, w] -= part
        of_educator[educator, w] += part
    return own, of_educator


def _price(count: Recount, used: int, wte: int) -> int:
    steps = count.policy.supervisor_load
    return sum(price * max(0, used - wte * percent // 100) for percent, price in steps)
