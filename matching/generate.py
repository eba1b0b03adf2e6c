"""Synthetic regions: towns of unlike size, hospitals in them, learners round a few universities, whole
rounds.

Nothing here is real. Journeys: straight line x 1.3 for roads, at a speed that rises with distance, plus a
fixed start; public transport takes about twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from matching.problem import UNREACHABLE, Department, Learner, Offer, Problem, Requirement, Site, Trust

MODALITIES = ("xray", "ct", "ultrasound", "mri")


@dataclass(frozen=True)
class Size:
    """Learners, sites, trusts, universities; side of the square in km; blocks of how many weeks;
    modalities."""

    learners: int
    sites: int
    trusts: int
    heis: int
    side_km: float
    blocks: int = 1
    block_weeks: int = 6
    modalities: int = 1


SIZES = {
    "tiny": Size(24, 6, 3, 2, 60.0, blocks=2, block_weeks=2, modalities=2),
    "demo": Size(600, 35, 15, 7, 110.0, blocks=4, modalities=4),
    "regional": Size(2_000, 60, 15, 8, 203.0),
    "midlands": Size(4_000, 120, 30, 14, 190.0),
    "national": Size(12_000, 500, 150, 60, 245.0),
}


def generate(size: str | Size = "regional", seed: int = 1, *, blocks: int | None = None) -> Problem:
    """A round of the given size ("tiny", "demo", "regional", "midlands", "national"), demand a little over
    supply.

    The same size and seed give the same problem. Raises ValueError for an unknown size.
    """
    if isinstance(size, str):
        if size not in SIZES:
            raise ValueError(f"size is {size!r}; it must be one of {', '.join(SIZES)}")
        size = SIZES[size]
    rng = np.random.default_rng([seed, size.learners, size.sites])
    count = size.blocks if blocks is None else blocks
    n_weeks = count * size.block_weeks
    weeks = tuple((date(2026, 9, 7) + timedelta(weeks=w)).isoformat() for w in range(n_weeks))
    land = landscape(rng, size)
    of_hei, car, minutes, trust_of = land.of_hei, land.car, land.minutes, land.trust_of
    sites = tuple(Site(f"S{j:03}", f"T{trust_of[j]:03}") for j in range(size.sites))
    departments, offers = _supply(rng, size, count, n_weeks)
    learners = _learners(rng, size, of_hei, car, minutes)
    return Problem(
        weeks=weeks,
        trusts=tuple(Trust(f"T{t:03}") for t in range(size.trusts)),
        sites=sites,
        departments=departments,
        offers=offers,
        learners=learners,
        requirements=_requirements(rng, size, count),
        travel_minutes=minutes,
    )


@dataclass(frozen=True, eq=False)
class Landscape:
    """Where a region's people and sites are: each learner's university and mode, minutes [learners, sites],
    the trust of each site, how much each site's town draws."""

    of_hei: NDArray[np.int64]
    car: NDArray[np.bool_]
    minutes: NDArray[np.uint16]
    trust_of: NDArray[np.int64]
    pull_sites: NDArray[np.float64]


def landscape(rng: np.random.Generator, size: Size) -> Landscape:
    """Towns of unlike size, sites and learners around them."""
    towns = rng.uniform(0, size.side_km, (max(3, size.sites // 4), 2))
    pull = rng.pareto(1.3, len(towns)) + 0.4
    pull /= pull.sum()
    town_of_site = rng.choice(len(towns), size.sites, p=0.5 * pull + 0.5 / len(towns))
    where_sites = _around(rng, towns, town_of_site, 7.0)
    heis = rng.choice(len(towns), min(size.heis, len(towns)), replace=False)
    of_hei = rng.choice(len(heis), size.learners)
    home = np.where(
        rng.random(size.learners) < 0.6, heis[of_hei], rng.choice(len(towns), size.learners, p=pull)
    )
    where_learners = _around(rng, towns, home, 11.0)
    car = rng.random(size.learners) < 0.7
    minutes = _minutes(rng, where_learners, where_sites, car)
    trust_of = np.sort(
        np.concatenate([np.arange(size.trusts), rng.choice(size.trusts, size.sites - size.trusts)])
    )
    crowd = np.bincount(town_of_site, minlength=len(towns))[town_of_site]
    at_home = np.bincount(home, minlength=len(towns))[town_of_site]
    return Landscape(of_hei, car, minutes, trust_of, np.sqrt((at_home + 1.0) / crowd))


def _around(
    rng: np.random.Generator, towns: NDArray[np.float64], which: NDArray[np.int64], spread_km: float
) -> NDArray[np.float64]:
    return towns[which] + rng.normal(0, spread_km, (len(which), 2))


def _minutes(
    rng: np.random.Generator,
    learners: NDArray[np.float64],
    sites: NDArray[np.float64],
    car: NDArray[np.bool_],
) -> NDArray[np.uint16]:
    km = 1.3 * np.hypot(learners[:, None, 0] - sites[None, :, 0], learners[:, None, 1] - sites[None, :, 1])
    by_car = 6 + km * 60 / (28 + 42 * np.minimum(km, 60) / 60)
    minutes = np.where(car[:, None], by_car, 12 + 1.8 * by_car) * rng.uniform(0.92, 1.08, km.shape)
    return np.where(minutes < 1_440, np.rint(minutes), UNREACHABLE).astype(np.uint16)


def _supply(
    rng: np.random.Generator, size: Size, blocks: int, n_weeks: int
) -> tuple[tuple[Department, ...], tuple[Offer, ...]]:
    departments, offers = [], []
    share = rng.gamma(3.0, 1.0, (size.modalities, size.sites))
    share *= 0.97 * size.learners / size.modalities / share.sum(axis=1, keepdims=True)
    for m in range(size.modalities):
        for j in range(size.sites):
            most = max(1, round(float(share[m, j])))
            key = f"S{j:03}-{MODALITIES[m]}"
            by_block = [
                max(1, most + int(rng.integers(-1, 2))) if blocks > 1 else most for _ in range(blocks)
            ]
            maximum = tuple(by_block[w // size.block_weeks] for w in range(n_weeks))
            wte = round(most * 0.5 * float(rng.uniform(1.02, 1.5)) + 0.5, 2)
            departments.append(Department(key, f"S{j:03}", MODALITIES[m], wte=(wte,) * n_weeks))
            offers.append(Offer(key, key, preferred=tuple(-(-4 * x // 5) for x in maximum), maximum=maximum))
    return tuple(departments), tuple(offers)


def _learners(
    rng: np.random.Generator,
    size: Size,
    of_hei: NDArray[np.int64],
    car: NDArray[np.bool_],
    minutes: NDArray[np.uint16],
) -> tuple[Learner, ...]:
    out = []
    for i in range(size.learners):
        near = np.argsort(minutes[i], kind="stable")[:6]
        liked = rng.permutation(near)[:3] if rng.random() < 0.5 else near[:0]
        avoided = near[:1] if rng.random() < 0.03 else near[:0]
        out.append(
            Learner(
                key=f"L{i:05}",
                group="diagnostic",
                stage=f"year {1 + i % 3}",
                hei=f"H{of_hei[i]:02}",
                mode="car" if car[i] else "public_transport",
                preferences=tuple(f"S{j:03}" for j in liked),
                excluded_sites=tuple(f"S{j:03}" for j in avoided),
            )
        )
    return tuple(out)


def _requirements(rng: np.random.Generator, size: Size, blocks: int) -> tuple[Requirement, ...]:
    out = []
    for i in range(size.learners):
        first = int(rng.integers(size.modalities))
        for b in range(blocks):
            weeks = tuple(range(b * size.block_weeks, (b + 1) * size.block_weeks))
            modality = MODALITIES[(first + b) % size.modalities]
            priority = 1 if i % 3 == 2 else 2
            out.append(
                Requirement(f"L{i:05}-B{b + 1}", f"L{i:05}", f"B{b + 1}", (modality,), weeks, 0.5, priority)
            )
    return tuple(out)
