"""The independent check of a result: every rule, the costs, the tiers and every claim of a reason, from the
data types alone. Nothing here is shared with the solver."""

from __future__ import annotations

from collections.abc import Iterator

from matching.policy import Policy
from matching.problem import Offer, Problem, Requirement
from matching.recount import Recount, Violation
from matching.result import FullCap, Reason, Result

__all__ = ["Violation", "verify"]


def verify(problem: Problem, policy: Policy, result: Result) -> list[Violation]:
    """Everything wrong with a result; empty when it is right.

    Checks each placing against each rule in force, the limits week by week, the tiers, costs and status
    against a fresh count, and each reason: that the rules named do refuse every site, and that the
    requirements said to compete can go nowhere else and outnumber the places. That no better answer exists it
    takes from the solver's own proof (`flow.certify`). O(placed x weeks + unplaced x offers + competing).
    """
    count = Recount(problem, policy, result)
    unknown = list(count.unknown())
    if unknown:
        return unknown
    return [
        *count.pairs(),
        *count.places(),
        *count.supervision(),
        *count.one_place(),
        *_tiers(count),
        *_Claims(count).check(),
    ]


def _tiers(count: Recount) -> Iterator[Violation]:
    result, costs = count.result, count.costs()
    total = sum(costs.values())
    if result.costs != costs:
        yield Violation("costs", "result", f"says {result.costs}, counted {costs}")
    if result.objective != total:
        yield Violation("objective", "result", f"says {result.objective}, counted {total}")
    counted: dict[str, int] = {}
    for r in count.requirements.values():
        pinned = count.policy.locks and bool(count.pins[r.key])
        name = "unplaced_pinned" if pinned else f"unplaced_priority_{r.priority}"
        counted[name] = counted.get(name, 0) + (r.key not in result.assignment)
    values = [(name, counted[name]) for name in sorted(counted)] + [("cost", total)]
    if [(tier.name, tier.value) for tier in result.tiers] != values:
        yield Violation(
            "tiers", "result", f"says {[(t.name, t.value) for t in result.tiers]}, counted {values}"
        )
    for tier in result.tiers:
        gap = (tier.value - tier.bound) / tier.value if tier.value else 0.0
        if not 0 <= tier.bound <= tier.value or abs(gap - tier.gap) > 1e-9:
            yield Violation("tiers", tier.name, f"value {tier.value}, bound {tier.bound}, gap {tier.gap}")
    proven = all(tier.gap == 0 for tier in result.tiers)
    stuck = bool(counted.get("unplaced_pinned"))
    if (result.status == "infeasible_locks") != stuck or (result.status == "optimal") > proven:
        yield Violation("status", "result", f"{result.status} does not follow from the tiers")


class _Claims:
    """The reasons of a result, checked against the rules and by counting."""

    def __init__(self, count: Recount) -> None:
        self.count = count
        self.at_site: dict[str, list[Offer]] = {site: [] for site in count.sites}
        for offer in count.offers.values():
            self.at_site[count.departments[offer.department].site].append(offer)

    def check(self) -> Iterator[Violation]:
        """Every reason's claims."""
        counted: dict[tuple[int, int], str] = {}
        for r, reason in self.count.result.unplaced.items():
            yield from self.rules_claim(self.count.requirements[r], reason)
            if reason.kind == "rules":
                continue
            if reason.kind != "shortage":
                yield Violation("reason", r, f"of unknown kind {reason.kind}")
            elif r not in reason.competing:
                yield Violation("reason", r, "is not among those it says compete")
            elif reason.proven:
                key = (id(reason.competing), id(reason.caps))
                if key not in counted:
                    counted[key] = self.miscounted(reason)
                if counted[key]:
                    yield Violation("reason", r, counted[key])

    def may(self, requirement: Requirement, offer: Offer) -> bool:
        """True where no rule refuses the pair."""
        return next(self.count.broken(requirement, offer), None) is None

    def rules_claim(self, requirement: Requirement, reason: Reason) -> Iterator[Violation]:
        """The rule named for each site really refuses it, and every other site of a right modality is
        open."""
        count = self.count
        fitting = {
            d.site
            for d in count.departments.values()
            if not count.policy.modality_fit or d.modality in requirement.modalities
        }
        open_sites = {count.departments[o.department].site for o in count.can_go(requirement)}
        for site in sorted(set(reason.rules) & open_sites | set(reason.rules) - set(count.sites)):
            yield Violation("reason", requirement.key, f"no rule removes {site}")
        for site in sorted(fitting - open_sites - set(reason.rules)):
            yield Violation("reason", requirement.key, f"does not say what removes {site}")
        if reason.kind == "rules" and open_sites:
            yield Violation("reason", requirement.key, f"rules do not remove {min(open_sites)}")
        for site, rule in reason.rules.items():
            there = self.at_site.get(site, [])
            if site in fitting:
                there = [
                    o
                    for o in there
                    if "modality_fit" not in count.broken(requirement, o) or rule == "modality_fit"
                ]
            nothing = not there and rule == ("offer_weeks" if site in fitting else "modality_fit")
            if not nothing and not any(rule in count.broken(requirement, o) for o in there):
                yield Violation("reason", requirement.key, f"{rule} does not refuse {site}")

    def miscounted(self, reason: Reason) -> str:
        """What is wrong with a shortage's count, or nothing."""
        count = self.count
        unknown = [r for r in reason.competing if r not in count.requirements]
        if unknown:
            return f"no such requirement as {unknown[0]}"
        competing = [count.requirements[r] for r in dict.fromkeys(reason.competing)]
        held = 0
        for cap in reason.caps:
            true = self.most(cap, competing)
            if true is None or true > cap.places:
                return f"{cap.level} {cap.key} holds {true}, not {cap.places}"
            held += cap.places
        full = {(cap.level, cap.key) for cap in reason.caps}
        outside = [o for o in count.offers.values() if not full & self.above(o)]
        for requirement in competing:
            for offer in outside:
                if self.may(requirement, offer):
                    return f"{requirement.key} could also go to {offer.key}"
        return "" if len(competing) > held else f"{len(competing)} compete for {held} places"

    def above(self, offer: Offer) -> set[tuple[str, str]]:
        """The caps that an offer's learners count against."""
        department = self.count.departments[offer.department]
        site = self.count.sites[department.site]
        return {
            ("offer", offer.key),
            ("department", department.key),
            ("site", site.key),
            ("trust", site.trust),
        }

    def most(self, cap: FullCap, competing: list[Requirement]) -> int | None:
        """The most of those competing that a cap can hold in its week; None if it is no limit on them all."""
        count = self.count
        if cap.week not in count.problem.weeks:
            return None
        w = count.problem.weeks.index(cap.week)
        if any(w not in r.weeks for r in competing):
            return None
        if cap.rule == "places" and count.policy.places:
            known = {
                "offer": count.offers.keys(),
                "department": count.departments.keys(),
                "site": count.sites.keys(),
                "trust": count.trusts.keys(),
            }
            if cap.level not in known or cap.key not in known[cap.level]:
                return None
            places = count.places_of(cap.level, cap.key)
            return None if places is None else places[w]
        department = count.departments.get(cap.key) if cap.level == "department" else None
        if cap.rule != "supervision" or count.policy.supervision is None or department is None:
            return None
        lightest = self.lightest(competing, cap.key)
        if department.wte is None or not lightest:
            return None
        return int(count.policy.supervision * round(department.wte[w] * 1000) + 1e-6) // lightest

    def lightest(self, competing: list[Requirement], department: str) -> int:
        """The least weight, in thousandths, of those competing who could go to a department."""
        weights = {round(r.weight * 1000) for r in competing}
        if len(weights) > 1:
            offers = [o for o in self.count.offers.values() if o.department == department]
            weights = {round(r.weight * 1000) for r in competing if any(self.may(r, o) for o in offers)}
        return min(weights, default=0)
