"""What is kept of a learner: where they live, how they travel, where they may be placed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from placements.cohorts.models import EarlierSite, Learner, LearnerExclusion
from placements.cohorts.queries import is_located, trusts_of_network
from placements.errors import Refused
from placements.geography.postcodes import normalise_postcode
from placements.organisations.models import AccessNeed, Site, Trust
from placements.organisations.queries import access_needs, sites_of_network
from placements.rounds.models import Round, are_weekdays

LONGEST_REASON = 120
MOST_TRAVEL_MINUTES = 240
MOST_EARLIER = 20
PRIORITIES = range(1, 10)
TRAVEL_MODES = ("car", "public_transport")


@dataclass(frozen=True)
class LearnerDetails:
    """Where a learner lives and may be placed. Sites, trust and access needs by id; `weekdays` as in "123" (1
    is Monday), None as planned; `earlier_sites`: site and how often."""

    postcode: str
    travel_mode: str = "car"
    term_postcode: str | None = None
    travel_limit_minutes: int | None = None
    employer_trust_id: int | None = None
    released: bool = False
    hub_trust_id: int | None = None
    available_from: date | None = None
    available_until: date | None = None
    weekdays: str | None = None
    accommodation: bool = False
    access_needs: frozenset[int] = frozenset()
    exclusions: frozenset[int] = frozenset()
    earlier_sites: frozenset[tuple[int, int]] = frozenset()
    priority: int | None = None
    priority_reason: str = ""


# What stands in the learner's own row.
_COLUMNS = (
    "postcode",
    "travel_mode",
    "term_postcode",
    "travel_limit_minutes",
    "employer_trust_id",
    "released",
    "hub_trust_id",
    "available_from",
    "available_until",
    "weekdays",
    "accommodation",
    "priority",
    "priority_reason",
)


def details_of(learner: Learner) -> LearnerDetails:
    """A learner as saved."""
    return LearnerDetails(
        **{name: getattr(learner, name) for name in _COLUMNS},
        access_needs=frozenset(need.id for need in learner.access_needs),
        exclusions=frozenset(row.site_id for row in learner.exclusions),
        earlier_sites=frozenset((row.site_id, row.placements) for row in learner.record.earlier_sites),
    )


def put_right(details: LearnerDetails) -> LearnerDetails:
    """The same with postcodes and reason as they are kept."""
    term = details.term_postcode
    values = vars(details) | {
        "postcode": normalise_postcode(details.postcode) or details.postcode.strip(),
        "term_postcode": (normalise_postcode(term) or term.strip() or None) if term else None,
        "priority_reason": " ".join(details.priority_reason.split()),
        "released": details.released and details.employer_trust_id is not None,
    }
    return LearnerDetails(**values)


class KnownPlaces:
    """The sites, trusts and access needs that a learner of a round may name."""

    def __init__(self, session: Session, round_: Round) -> None:
        self._round = round_
        self._sites: Mapping[int, Site] = {
            row.id: row for row in sites_of_network(session, round_.network_id)
        }
        self._trusts: Mapping[int, Trust] = {
            row.id: row for row in trusts_of_network(session, round_.network_id)
        }
        self._needs: Mapping[int, AccessNeed] = {row.id: row for row in access_needs(session)}

    def wrong(self, details: LearnerDetails) -> dict[str, str]:
        """What cannot be right, by field, in words."""
        wrong = _wrong_travel(details) | _wrong_days(details)
        for field, trust_id in (("employer", details.employer_trust_id), ("hub", details.hub_trust_id)):
            if trust_id is not None and trust_id not in self._trusts:
                wrong[field] = "Choose a trust from the list"
        if not set(self._needs) >= details.access_needs:
            wrong["access_needs"] = "Choose access needs from the list"
        if not set(self._sites) >= details.exclusions:
            wrong["exclusions"] = "Choose sites from the list"
        times = [number for _, number in details.earlier_sites]
        earlier = [site_id for site_id, _ in details.earlier_sites]
        if not set(self._sites) >= set(earlier):
            wrong["earlier_sites"] = "Choose sites from the list"
        elif len(set(earlier)) < len(earlier):
            wrong["earlier_sites"] = "Choose each site once, and say how often"
        elif not all(1 <= number <= MOST_EARLIER for number in times):
            wrong["earlier_sites"] = f"Say how often with a whole number from 1 to {MOST_EARLIER}"
        return wrong | _wrong_priority(details)

    def write(self, learner: Learner, details: LearnerDetails) -> None:
        for name in _COLUMNS:
            setattr(learner, name, getattr(details, name))
        learner.access_needs = [self._needs[need_id] for need_id in sorted(details.access_needs)]
        kept = {row.site_id: row for row in learner.exclusions}
        learner.exclusions = [
            kept.get(site_id) or LearnerExclusion(site_id=site_id) for site_id in sorted(details.exclusions)
        ]
        before = {row.site_id: row for row in learner.record.earlier_sites}
        learner.record.earlier_sites = [
            before.get(site_id) or EarlierSite(site_id=site_id)
            for site_id, _ in sorted(details.earlier_sites)
        ]
        for row, (_, times) in zip(learner.record.earlier_sites, sorted(details.earlier_sites), strict=True):
            row.placements = times


def _wrong_travel(details: LearnerDetails) -> dict[str, str]:
    wrong = {}
    for name, postcode in (("postcode", details.postcode), ("term_postcode", details.term_postcode)):
        if name == "term_postcode" and not postcode:
            continue
        if not postcode or normalise_postcode(postcode) is None:
            wrong[name] = "Enter a full UK postcode, such as B15 2GW"
        elif not is_located(postcode):
            wrong[name] = (
                f"{postcode} is not in the directory of UK postcodes: check it, or use the nearest that is"
            )
    if details.travel_mode not in TRAVEL_MODES:
        wrong["travel_mode"] = "Choose car or public transport"
    limit = details.travel_limit_minutes
    if limit is not None and not 1 <= limit <= MOST_TRAVEL_MINUTES:
        wrong["travel_limit_minutes"] = (
            f"Enter minutes one way from 1 to {MOST_TRAVEL_MINUTES}, or nothing for the round's own limit"
        )
    return wrong


def _wrong_days(details: LearnerDetails) -> dict[str, str]:
    wrong = {}
    starts, ends = details.available_from, details.available_until
    if starts is not None and ends is not None and ends < starts:
        wrong["available_until"] = "The last day cannot be before the first"
    if details.weekdays is not None and not are_weekdays(details.weekdays):
        wrong["weekdays"] = "Choose days from Monday to Friday"
    return wrong


def _wrong_priority(details: LearnerDetails) -> dict[str, str]:
    wrong = {}
    if details.priority is not None and details.priority not in PRIORITIES:
        wrong["priority"] = "Choose a priority from 1 (first) to 9"
    if details.priority is not None and not details.priority_reason:
        wrong["priority_reason"] = "Say why this learner has a priority of their own, without a diagnosis"
    if details.priority is None and details.priority_reason:
        wrong["priority_reason"] = "Choose a priority, or take the reason out"
    if len(details.priority_reason) > LONGEST_REASON:
        wrong["priority_reason"] = f"Use at most {LONGEST_REASON} characters"
    return wrong


def wrong_with_preferences(learner: Learner, details: LearnerDetails) -> dict[str, str]:
    both = [row.site.name for row in learner.preferences if row.site_id in details.exclusions]
    if not both:
        return {}
    return {"exclusions": f"{both[0]} is among the preferred sites: take it out there first"}


def refuse(wrong: Mapping[str, str]) -> None:
    """Raise Refused naming each field, where anything is wrong."""
    if wrong:
        raise Refused(
            " ".join(f"{words.rstrip('.')}." for words in dict.fromkeys(wrong.values())), dict(wrong)
        )
