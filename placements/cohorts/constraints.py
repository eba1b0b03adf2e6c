"""What stands beside learners and steers where they may go: access needs, sites attended before the rounds
held here, and learners who go together or apart."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from placements.cohorts.models import (
    Companions,
    EarlierSite,
    Learner,
    companions_learner,
    learner_access_need,
)


def access_needs_by_learner(session: Session, which: ColumnElement[bool]) -> defaultdict[int, set[int]]:
    """The ids of access needs by learner; `which` is a condition on learners."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for learner_id, need_id in session.execute(
        select(learner_access_need.c.learner_id, learner_access_need.c.access_need_id)
        .join(Learner, Learner.id == learner_access_need.c.learner_id)
        .where(which)
    ):
        found[learner_id].add(need_id)
    return found


def earlier_sites_by_record(session: Session, which: ColumnElement[bool]) -> defaultdict[int, Counter[int]]:
    """How often each site was attended before, by learner record; `which` is a condition on learners."""
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for record_id, site_id, times in session.execute(
        select(EarlierSite.record_id, EarlierSite.site_id, EarlierSite.placements)
        .join(Learner, Learner.record_id == EarlierSite.record_id)
        .where(which)
    ):
        found[record_id][site_id] = times
    return found


# A larger one is kept as several that share learners.
MOST_IN_GROUP = 20

Someone = TypeVar("Someone", int, str)


def companion_groups(kind: str, pairs: Iterable[tuple[Someone, Someone]]) -> list[frozenset[Someone]]:
    """The groups that pairs make: all who go together through one another, and of those kept apart the ones
    who are each apart from all the others."""
    near: dict[Someone, set[Someone]] = defaultdict(set)
    for one, other in pairs:
        near[one].add(other)
        near[other].add(one)
    of: dict[Someone, list[frozenset[Someone]]] = defaultdict(list)
    found: list[frozenset[Someone]] = []
    for first in sorted(near):
        for second in sorted(near[first]):
            if any(second in group for group in of[first]):
                continue
            members, waiting = {first, second}, sorted(near[first] | near[second])
            for one in waiting:
                if one in members or len(members) == MOST_IN_GROUP:
                    continue
                if kind == "together" or members <= near[one]:
                    members.add(one)
                    waiting += sorted(near[one] - members)
            group = frozenset(members)
            found.append(group)
            for one in group:
                of[one].append(group)
    return found


def companions_by_learner(
    session: Session, which: ColumnElement[bool]
) -> defaultdict[tuple[str, int], set[str]]:
    """The references, in small letters, of those with whom a learner goes "together" or "apart", by the word
    and the learner; `which` is a condition on learners."""
    others = companions_learner.alias()
    other = aliased(Learner)
    found: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for kind, learner_id, reference in session.execute(
        select(Companions.kind, companions_learner.c.learner_id, other.reference)
        .join(companions_learner, companions_learner.c.companions_id == Companions.id)
        .join(others, others.c.companions_id == Companions.id)
        .join(Learner, Learner.id == companions_learner.c.learner_id)
        .join(other, other.id == others.c.learner_id)
        .where(which, other.id != companions_learner.c.learner_id)
    ):
        found[kind, learner_id].add(reference.casefold())
    return found
