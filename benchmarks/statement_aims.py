"""The aims of a match over its options, in whole thousandths of a point, written from their definitions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.options import Ints, Options
from benchmarks.sheet import Sheet, Sum, by
from matching import Agreement, Learner, Policy, Problem

POINT = 1000


def agreed(agreement: Agreement, learner: Learner) -> bool:
    """True where an agreement speaks of a learner."""
    return (
        learner.hei == agreement.hei
        and (agreement.groups == () or learner.group in agreement.groups)
        and (agreement.stages == () or learner.stage in agreement.stages)
    )


def priced_placings(problem: Problem, policy: Policy, options: Options, sums: Mapping[str, Sum]) -> None:
    """The aims that are a sum over placings."""
    every = np.arange(len(options), dtype=np.int64)
    learners, minutes = problem.learners, options.minutes
    if "travel" in sums:
        points = np.zeros(len(options), np.int64)
        ends = [start for start, _ in policy.travel[1:]]
        for (start, price), end in zip(policy.travel, [*ends, 2**16], strict=True):
            points += price * np.clip(minutes - start, 0, end - start)
        sums["travel"].add(every, POINT * points)
    if "preferences" in sums:
        rank = ranks(problem, options)
        length = np.array([len(x.preferences) for x in learners], np.int64)[options.learner]
        points = np.minimum(policy.preference_unranked, policy.preference_step * rank)
        points[rank == length] = policy.preference_unranked
        points[length == 0] = 0
        sums["preferences"].add(every, POINT * points)
    if "past_travel" in sums:
        past = np.array([x.past_minutes for x in learners], np.int64)[options.learner]
        sums["past_travel"].add(every, POINT * minutes * past // 60)
    if "continuity" in sums:
        hubs = [-1 if x.hub is None else problem.trust_index[x.hub] for x in learners]
        hub = np.array(hubs, np.int64)[options.learner]
        sums["continuity"].add(every[(hub >= 0) & (hub != options.trust)], POINT)
    if "changes" in sums:
        _changes(problem, options, sums["changes"])


def worst_placings(problem: Problem, options: Options, sheet: Sheet, sums: Mapping[str, Sum]) -> None:
    """The aims that look at the worst alone: a column above each. A requirement has one placing at most, so
    that one row a requirement does."""
    every = np.arange(len(options), dtype=np.int64)
    if "worst_travel" in sums:
        _worst(options, every, options.minutes, sheet, sums["worst_travel"])
    if "worst_preference" in sums:
        listed = np.array([len(x.preferences) for x in problem.learners], np.int64)[options.learner]
        rank = ranks(problem, options)
        _worst(options, np.flatnonzero(listed > 0), rank, sheet, sums["worst_preference"])
    if "hei_fairness" in sums:
        heis = sorted({x.hei for x in problem.learners})
        of = np.array([heis.index(x.hei) for x in problem.learners], np.int64)
        wanted = np.zeros(len(heis), np.int64)
        for r in problem.requirements:
            wanted[of[problem.learner_index[r.learner]]] += 1
        top = sheet.column(POINT * 24 * 60)
        for h, mine in by(of[options.learner]):
            sheet.row([(top, int(wanted[h])), (mine, -POINT * options.minutes[mine])], least=0)
        sums["hei_fairness"].add(top, 1)


def ranks(problem: Problem, options: Options) -> Ints:
    """[options] the place of the site on the learner's list; one past its end where it is not on it."""
    table = np.zeros((len(problem.learners), len(problem.sites)), np.int64)
    for i, learner in enumerate(problem.learners):
        table[i] = len(learner.preferences)
        for rank, key in enumerate(learner.preferences):
            table[i, problem.site_index[key]] = rank
    return table[options.learner, options.site]


def _worst(options: Options, members: Ints, value: Ints, sheet: Sheet, total: Sum) -> None:
    top = sheet.column(int(value[members].max(initial=0)))
    for _, mine in by(options.requirement, members):
        if value[mine].any():
            sheet.row([(top, 1), (mine, -value[mine])], least=0)
    total.add(top, POINT)


def _changes(problem: Problem, options: Options, total: Sum) -> None:
    offer = np.full(len(problem.requirements), -1, np.int64)
    block = np.full(len(problem.requirements), -1, np.int64)
    for placing in problem.published:
        r = problem.requirement_index[placing.requirement]
        offer[r] = problem.offer_index[placing.offer]
        rotation = problem.rotation_of(problem.requirements[r])
        if rotation is not None and placing.block is not None:
            block[r] = rotation.blocks.index(placing.block)
    of = options.requirement
    kept = np.flatnonzero((options.offer == offer[of]) & (options.block == block[of]))
    total.constant = POINT * len(problem.published)
    total.add(kept, -POINT)
