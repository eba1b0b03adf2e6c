"""A whole synthetic year of a region with every rule in it: programmes whose blocks overlap in part, mixed
supervision weights, shared educators, floating rotations, history, companions, agreements, beds.

Nothing here is real. `generate` lays out the towns, sites and journeys; see there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from matching.generate import SIZES, Size, landscape
from matching.problem import (
    Agreement,
    Companions,
    Department,
    Educator,
    Learner,
    Lock,
    Offer,
    Problem,
    Requirement,
    Rotation,
    Site,
    Trust,
)

WEEKS = 45
MODALITIES = ("xray", "ct", "mri", "ultrasound", "nuclear medicine")


@dataclass(frozen=True)
class Programme:
    """A learner group and stage: share of learners, supervision weight, the week of each window of the
    year in which its block starts, its length, modality by block, placements already had, priority."""

    group: str
    stage: str
    share: float
    weight: float
    start: int
    length: int
    modalities: tuple[tuple[str, ...], ...]
    attended: int
    priority: int


PROGRAMMES = (
    Programme("diagnostic", "year 1", 0.27, 0.75, 3, 6, (("xray",),) * 5, 0, 2),
    Programme(
        "diagnostic",
        "year 2",
        0.26,
        0.5,
        1,
        6,
        (("xray",), ("ct",), ("xray",), ("mri", "ct"), ("xray",)),
        4,
        2,
    ),
    Programme(
        "diagnostic",
        "year 3",
        0.25,
        0.25,
        0,
        6,
        (("xray",), ("ct",), ("mri",), ("xray",), ("ct",)),
        8,
        1,
    ),
    Programme("sonography", "pgdip", 0.14, 1.0, 0, 7, (("ultrasound",),) * 5, 0, 1),
    Programme(
        "stp",
        "year 1",
        0.08,
        0.5,
        2,
        6,
        (("mri",), ("ct",), ("nuclear medicine",), ("ultrasound", "xray"), ("ct",)),
        0,
        1,
    ),
)
BLOCKS = {"tiny": 3, "regional": 4, "midlands": 4, "national": 5}


def generate_year(size: str | Size = "regional", seed: int = 1, *, learners: int | None = None) -> Problem:
    """A year of the given size ("tiny", "demo", "regional", "midlands", "national", or any other by its
    numbers), supply a little under demand.

    The same size and seed give the same problem. Raises ValueError for an unknown size.
    """
    if isinstance(size, str) and size not in SIZES:
        raise ValueError(f"size is {size!r}; it must be one of {', '.join(SIZES)}")
    shape = SIZES[size] if isinstance(size, str) else size
    if learners is not None:
        shape = dataclasses.replace(shape, learners=learners)
    blocks = BLOCKS.get(size, 4) if isinstance(size, str) else 4
    rng = np.random.default_rng([seed, shape.learners, shape.sites, 77])
    land = landscape(rng, shape)
    programme = rng.choice(len(PROGRAMMES), shape.learners, p=[p.share for p in PROGRAMMES])
    sites = _sites(rng, shape, land.trust_of)
    people, rotations, requirements = _demand(
        rng, shape, land.of_hei, land.car, land.minutes, programme, blocks, land.trust_of
    )
    departments, offers, educators = _supply(
        rng, shape, requirements, people, land.trust_of, land.pull_sites, blocks
    )
    teams = np.random.default_rng([seed, shape.learners, shape.sites, 78])
    departments, educators = _teams(teams, departments, offers, educators)
    trusts = tuple(Trust(f"T{t:03}") for t in range(shape.trusts))
    return Problem(
        weeks=tuple((date(2026, 9, 7) + timedelta(weeks=w)).isoformat() for w in range(WEEKS)),
        trusts=trusts,
        sites=sites,
        departments=departments,
        offers=offers,
        learners=people,
        requirements=requirements,
        locks=_locks(rng, requirements, people, land.minutes),
        travel_minutes=land.minutes,
        educators=educators,
        rotations=rotations,
        companions=_companions(rng, people),
        agreements=_agreements(rng, shape, people, requirements, land.minutes, land.trust_of),
    )


def _span(kind: Programme, blocks: int, block: int) -> tuple[int, ...]:
    """Weeks of a programme's block: each has its own in the same window of the year, so that those of
    different programmes overlap in part."""
    first = block * (WEEKS // blocks) + kind.start
    return tuple(range(first, first + kind.length))


def _sites(rng: np.random.Generator, size: Size, trust_of: NDArray[np.int64]) -> tuple[Site, ...]:
    out = []
    for j in range(size.sites):
        out.append(
            Site(
                f"S{j:03}",
                f"T{trust_of[j]:03}",
                access=("step-free", "hearing loop") if rng.random() < 0.7 else ("step-free",),
                accommodation=(int(rng.integers(2, 9)),) * WEEKS if rng.random() < 0.15 else None,
            )
        )
    return tuple(out)


def _demand(
    rng: np.random.Generator,
    size: Size,
    of_hei: NDArray[np.int64],
    car: NDArray[np.bool_],
    minutes: NDArray[np.uint16],
    programme: NDArray[np.int64],
    blocks: int,
    trust_of: NDArray[np.int64],
) -> tuple[tuple[Learner, ...], tuple[Rotation, ...], tuple[Requirement, ...]]:
    people, rotations, requirements = [], [], []
    for i in range(size.learners):
        kind = PROGRAMMES[programme[i]]
        near = np.argsort(minutes[i], kind="stable")
        reach = near[: max(3, int((minutes[i] <= 75).sum()))]
        liked = rng.permutation(near[:8])[:3] if rng.random() < 0.5 else near[:0]
        employed = rng.random() < (0.6 if kind.group == "sonography" else 0.06)
        attended = tuple(f"S{reach[int(k)]:03}" for k in rng.integers(0, min(6, len(reach)), kind.attended))
        most = max([2 + kind.attended // 3, *(attended.count(s) + 1 for s in set(attended))])
        people.append(
            Learner(
                key=f"L{i:05}",
                group=kind.group,
                stage=kind.stage,
                hei=f"H{of_hei[i]:02}",
                mode="car" if car[i] else "public_transport",
                employer=f"T{trust_of[near[int(rng.integers(3))]]:03}" if employed else None,
                released=bool(employed and rng.random() < 0.8),
                preferences=tuple(f"S{j:03}" for j in liked),
                excluded_sites=tuple(f"S{j:03}" for j in near[:1]) if rng.random() < 0.03 else (),
                travel_limit_minutes=60 if rng.random() < 0.06 else None,
                access_needs=("step-free",)
                if rng.random() < 0.02
                else ("hearing loop",)
                if rng.random() < 0.02
                else (),
                accommodation=bool(rng.random() < 0.15),
                attended=attended,
                past_minutes=int(rng.integers(15, 75)) if attended else 0,
                site_repeats=most,
                different_sites=min(2, blocks) + len(set(attended)) // 2 if rng.random() < 0.8 else None,
                hub=f"T{trust_of[near[0]]:03}" if kind.group != "diagnostic" else None,
            )
        )
        spans = [_span(kind, blocks, b) for b in range(blocks)]
        key = f"L{i:05}"
        floats = kind.group == "stp"
        if floats:
            names = tuple(f"{kind.group} {b + 1}" for b in range(blocks))
            rotations.append(Rotation(key, key, names, tuple(spans)))
        shift = int(rng.integers(len(kind.modalities))) if kind.group == "diagnostic" else 0
        for b in range(blocks):
            requirements.append(
                Requirement(
                    f"{key}-B{b + 1}",
                    key,
                    "" if floats else f"{kind.group} {kind.stage} {b + 1}",
                    kind.modalities[(b + shift) % len(kind.modalities)],
                    () if floats else spans[b],
                    kind.weight,
                    kind.priority,
                    key if floats else None,
                )
            )
    return tuple(people), tuple(rotations), tuple(requirements)


def _supply(
    rng: np.random.Generator,
    size: Size,
    requirements: tuple[Requirement, ...],
    people: tuple[Learner, ...],
    trust_of: NDArray[np.int64],
    pull: NDArray[np.float64],
    blocks: int,
) -> tuple[tuple[Department, ...], tuple[Offer, ...], tuple[Educator, ...]]:
    """Places and WTE so that in the busiest weeks each modality has a little less than is asked for; some
    departments are short of places, some of WTE, some share an educator."""
    asked = {m: np.zeros(WEEKS) for m in MODALITIES}
    weighed = {m: np.zeros(WEEKS) for m in MODALITIES}
    for requirement in requirements:
        spans = [requirement.weeks]
        if requirement.rotation is not None:
            spans = [_span(PROGRAMMES[-1], blocks, b) for b in range(blocks)]
        for span in spans:
            for modality in requirement.modalities:
                part = 1.0 / len(spans) / len(requirement.modalities)
                for w in span:
                    asked[modality][w] += part
                    weighed[modality][w] += part * requirement.weight
    departments, offers = [], []
    by_trust: dict[tuple[int, str], list[str]] = {}
    for modality in MODALITIES:
        here = rng.random(size.sites) < {"xray": 1.0, "ct": 0.85, "mri": 0.7}.get(modality, 0.6)
        here[rng.integers(size.sites)] = True
        share = rng.gamma(3.0, 1.0, size.sites) * pull * here
        share /= share.sum()
        places = 1.02 * float(np.quantile(asked[modality], 0.95)) * share
        wte = 1.06 * float(np.quantile(weighed[modality], 0.95)) * share
        for j in np.flatnonzero(here).tolist():
            key = f"S{j:03}-{modality}"
            most = max(1, round(float(places[j])))
            own = max(1.0, round(float(wte[j]) * 20) / 20)
            dip = rng.integers(0, WEEKS - 3)
            maximum = tuple(
                max(0, most - (int(rng.integers(1, 3)) if dip <= w < dip + 3 and rng.random() < 0.5 else 0))
                for w in range(WEEKS)
            )
            away = rng.integers(0, WEEKS - 2)
            by_week = tuple(
                round(max(0.0, own - (0.5 if away <= w < away + 2 and own > 2 else 0.0)), 2)
                for w in range(WEEKS)
            )
            departments.append(Department(key, f"S{j:03}", modality, wte=by_week))
            offers.append(Offer(key, key, preferred=tuple(-(-4 * x // 5) for x in maximum), maximum=maximum))
            by_trust.setdefault((int(trust_of[j]), modality), []).append(key)
    educators = []
    for (trust, modality), keys in by_trust.items():
        if len(keys) > 1 and rng.random() < 0.35:
            educators.append(
                Educator(f"E{trust:03}-{modality}", tuple(keys[:4]), (float(rng.choice([0.5, 1.0])),) * WEEKS)
            )
    trusts = sorted({t for t, _ in by_trust})
    for n in range(max(1, size.trusts // 8)):
        modality = MODALITIES[n % 3 + 1]
        keys = [
            k
            for t in rng.choice(trusts, min(3, len(trusts)), replace=False).tolist()
            for k in by_trust.get((t, modality), [])[:1]
        ]
        if keys:
            educators.append(Educator(f"E-network-{n}", tuple(keys), (1.0,) * WEEKS))
    return tuple(departments), tuple(offers), tuple(educators)


def _teams(
    rng: np.random.Generator,
    departments: tuple[Department, ...],
    offers: tuple[Offer, ...],
    educators: tuple[Educator, ...],
) -> tuple[tuple[Department, ...], tuple[Educator, ...]]:
    """Some shared educators take no first-years; in a few departments the WTE is that of two educators by
    name: one takes anybody, the other later stages only, each so many at once."""
    later = tuple((p.group, p.stage) for p in PROGRAMMES if p.stage != "year 1")
    out = [dataclasses.replace(e, supervises=later) if rng.random() < 0.4 else e for e in educators]
    served = {key for e in educators for key in e.departments}
    alone = [d for d, department in enumerate(departments) if department.key not in served]
    places = {offer.department: max(offer.maximum) for offer in offers}
    named = list(departments)
    for d in rng.permutation(np.array(alone, np.int64))[: max(1, len(departments) // 25)].tolist():
        key, wte = named[d].key, named[d].wte or ()
        named[d] = dataclasses.replace(named[d], wte=None)
        first = tuple(round(0.6 * x, 3) for x in wte)
        rest = tuple(round(x - y, 3) for x, y in zip(wte, first, strict=True))
        most = -(-2 * places[key] // 3)
        out.append(Educator(f"E-{key}-1", (key,), first, (), (most,) * WEEKS))
        whom = (*later, ("stp", None))
        out.append(Educator(f"E-{key}-2", (key,), rest, whom, (max(1, places[key] - most),) * WEEKS))
    return tuple(named), tuple(out)


def _locks(
    rng: np.random.Generator,
    requirements: tuple[Requirement, ...],
    people: tuple[Learner, ...],
    minutes: NDArray[np.uint16],
) -> tuple[Lock, ...]:
    """Bans only (a pin chosen blindly would seldom hold)."""
    index = {x.key: i for i, x in enumerate(people)}
    out = []
    for r in rng.choice(len(requirements), max(1, len(requirements) // 200), replace=False).tolist():
        near = int(np.argmin(minutes[index[requirements[r].learner]]))
        out.append(Lock(requirements[r].key, f"S{near:03}", "ban"))
    return tuple(out)


def _companions(rng: np.random.Generator, people: tuple[Learner, ...]) -> tuple[Companions, ...]:
    by_kind: dict[tuple[str, str, str], list[str]] = {}
    for x in people:
        if x.group == "diagnostic":
            by_kind.setdefault((x.hei, x.group, x.stage), []).append(x.key)
    out: list[Companions] = []
    for keys in by_kind.values():
        for _ in range(max(1, len(keys) // 40)):
            if len(keys) < 3:
                continue
            one, two = rng.choice(len(keys), 2, replace=False).tolist()
            out.append(
                Companions(
                    f"C{len(out):03}", "together" if rng.random() < 0.4 else "apart", (keys[one], keys[two])
                )
            )
    return tuple(out)


def _agreements(
    rng: np.random.Generator,
    size: Size,
    people: tuple[Learner, ...],
    requirements: tuple[Requirement, ...],
    minutes: NDArray[np.uint16],
    trust_of: NDArray[np.int64],
) -> tuple[Agreement, ...]:
    """Each HEI with its nearest trusts: least and most placings of diagnostic learners in the year."""
    sizes: dict[str, int] = {}
    near: dict[str, NDArray[np.float64]] = {}
    for i, x in enumerate(people):
        if x.group == "diagnostic":
            sizes[x.hei] = sizes.get(x.hei, 0) + 1
            reach = np.zeros(size.trusts)
            np.add.at(reach, trust_of, minutes[i] <= 60)
            near[x.hei] = near.get(x.hei, np.zeros(size.trusts)) + (reach > 0)
    out: list[Agreement] = []
    for hei in sorted(sizes):
        usual = 4 * sizes[hei] / max(3, int((near[hei] > sizes[hei] / 4).sum()))
        for trust in np.argsort(-near[hei], kind="stable")[:3].tolist():
            if near[hei][trust] < sizes[hei] / 4:
                continue
            least = int(usual * float(rng.uniform(0.2, 0.4)))
            most = int(usual * float(rng.uniform(1.2, 2.2))) + 2
            out.append(Agreement(f"{hei}-T{trust:03}", hei, f"T{trust:03}", least, most, ("diagnostic",)))
    return tuple(out)
