"""The reasons of a result, checked against the rules and by counting, from the data types alone."""

from __future__ import annotations

from collections.abc import Iterator

from matching.problem import Department, Offer, Requirement
from matching.recount import Recount, Stay, Violation, thousandths
from matching.recount_rules import places_of
from matching.result import FullCap, Reason


class Reasons:
    """What a result says of each unplaced requirement.

    A requirement of a rotation is judged in every block it may take: a site is open to it where it may go in
    any, and refused where it may go in none.
    """

    def __init__(self, count: Recount) -> None:
        self.count = count
        self.at_site: dict[str, list[Offer]] = {site: [] for site in count.sites}
        for offer in count.offers.values():
            self.at_site[count.departments[offer.department].site].append(offer)
        self.fitting: dict[tuple[str, ...], set[str]] = {}

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
            else:
                key = (id(reason.competing), id(reason.caps))
                if key not in counted:
                    counted[key] = self.unknown(reason) or (self.miscounted(reason) if reason.proven else "")
                if counted[key]:
                    yield Violation("reason", r, counted[key])

    # -- rules ------------------------------------------------------------

    def rules_claim(self, requirement: Requirement, reason: Reason) -> Iterator[Violation]:
        """The rule named for each site really refuses it, and every other site of a right modality is open.

        A site where only a rule over several placings bars the requirement for good (`Recount.barred`) may
        be named or left open.
        """
        count, key = self.count, requirement.key
        fitting = self.of_a_right_modality(requirement)
        open_sites = {stay.site.key for stay in count.open_to(requirement)}
        named = {
            site
            for site, rule in reason.rules.items()
            if site in open_sites and rule in count.barred(requirement, count.sites[site])
        }
        for site in sorted(set(reason.rules) & open_sites - named | set(reason.rules) - set(count.sites)):
            yield Violation("reason", key, f"no rule removes {site}")
        for site in sorted(fitting - open_sites - set(reason.rules)):
            yield Violation("reason", key, f"does not say what removes {site}")
        if reason.kind == "rules" and open_sites - named:
            yield Violation("reason", key, f"rules do not remove {min(open_sites - named)}")
        for site, rule in reason.rules.items():
            if site in count.sites and site not in named and not self.refuses(requirement, site, rule):
                yield Violation("reason", key, f"{rule} does not refuse {site}")

    def of_a_right_modality(self, requirement: Requirement) -> set[str]:
        """The sites with a department that fits a requirement."""
        kinds = requirement.modalities
        if kinds not in self.fitting:
            any_kind = not self.count.policy.modality_fit
            departments = self.count.departments.values()
            self.fitting[kinds] = {d.site for d in departments if any_kind or d.modality in kinds}
        return self.fitting[kinds]

    def refuses(self, requirement: Requirement, site: str, rule: str) -> bool:
        """True where a rule refuses an offer of a site (of a right modality, where it has a department of
        one), or is right for a site that offers nothing."""
        count, fits = self.count, site in self.of_a_right_modality(requirement)
        offered = False
        for offer in self.at_site[site]:
            kind = count.departments[offer.department].modality
            misfit = count.policy.modality_fit and kind not in requirement.modalities
            if fits and misfit:
                continue
            offered = True
            for block, _ in count.spans(requirement):
                if rule in count.broken(count.stay(requirement, offer, block)):
                    return True
        return not offered and rule == ("offer_weeks" if fits else "modality_fit")

    # -- shortages ------------------------------------------------------------

    def unknown(self, reason: Reason) -> str:
        """What a shortage names that is not in the problem, or nothing."""
        for r in reason.competing:
            if r not in self.count.requirements:
                return f"no such requirement as {r}"
        for d in reason.departments:
            if d not in self.count.departments:
                return f"no such department as {d}"
        return ""

    def miscounted(self, reason: Reason) -> str:
        """What is wrong with a shortage's count, or nothing."""
        count = self.count
        competing = [count.requirements[r] for r in dict.fromkeys(reason.competing)]
        held = 0
        for cap in reason.caps:
            true = self.most(cap, competing)
            if true is None or true > cap.places:
                return f"{cap.level} {cap.key} holds {true}, not {cap.places}"
            held += cap.places
        full = {(cap.level, cap.key) for cap in reason.caps}
        for requirement in competing:
            for stay in count.open_to(requirement):
                if not full & _above(stay) and not any(count.barred(requirement, stay.site)):
                    return f"{requirement.key} could also go to {stay.offer.key}"
        return "" if len(competing) > held else f"{len(competing)} compete for {held} places"

    def most(self, cap: FullCap, competing: list[Requirement]) -> int | None:
        """The most of those competing that a cap can hold in its week; None if it is no limit on them all:
        each must be there in that week, in whatever block."""
        count = self.count
        week = count.week.get(cap.week)
        if week is None or any(week not in weeks for r in competing for _, weeks in count.spans(r)):
            return None
        if cap.rule == "places" and count.policy.places:
            places = places_of(count, cap.level, cap.key)
            return None if places is None else places[week]
        department = count.departments.get(cap.key) if cap.level == "department" else None
        if cap.rule != "supervision" or department is None:
            return None
        supervised, lightest = count.most_supervised(department, week), self.lightest(competing, department)
        return None if supervised is None or not lightest else supervised // lightest

    def lightest(self, competing: list[Requirement], department: Department) -> int:
        """The least weight, in thousandths, of those competing who could go to a department."""
        weights = {thousandths(r.weight) for r in competing}
        if len(weights) > 1:
            weights = {
                thousandths(r.weight)
                for r in competing
                if any(stay.department.key == department.key for stay in self.count.open_to(r))
            }
        return min(weights, default=0)


def _above(stay: Stay) -> set[tuple[str, str]]:
    """The caps that a placing counts against."""
    return {
        ("offer", stay.offer.key),
        ("department", stay.department.key),
        ("site", stay.site.key),
        ("trust", stay.site.trust),
    }
