"""The greatest flow from some sources to the sinks that each may use: the checker's own small algorithm."""

from __future__ import annotations

from collections.abc import Sequence


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
