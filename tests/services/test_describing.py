"""Reasons and results in words."""

import pytest
from sqlalchemy.orm import Session

import matching
from placements.access import Role
from placements.scenarios import describing, results, watching
from placements.scenarios.models import Run
from tests.factories import (
    DepartmentFactory,
    LearnerFactory,
    ModalityFactory,
    PlacingFactory,
    RequirementFactory,
    RunFactory,
    SiteFactory,
    saved,
    summary_of,
    viewer_as,
)


def rules(**found: list[int]) -> dict[str, object]:
    return {
        "kind": "rules",
        "rules": found,
        "departments": [],
        "competing": [],
        "caps": [],
        "proven": True,
    }


def cap(department: int, places: int, rule: str = "places") -> dict[str, object]:
    return {
        "level": "department",
        "key": f"d{department}",
        "week": "2027-01-04",
        "places": places,
        "rule": rule,
    }


def sentence(session: Session, reason: dict[str, object]) -> str:
    placing = PlacingFactory(reason=reason)
    return describing.sentences(session, [placing])[placing.id]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "No site in this round has the modality."),
        ({"modality_fit": [1, 2]}, "No site in this round has the modality."),
        ({"travel_limit": [1]}, "The only site with the modality is beyond the travel limit."),
        ({"travel_limit": [1, 2]}, "All 2 sites with the modality are beyond the travel limit."),
        (
            {"exclusion": [1], "travel_limit": [2, 3, 4], "offer_weeks": [5, 6]},
            "None of the 6 sites with the modality is possible: 3 are beyond the travel limit, 2 do not offer"
            " a place in every week of the block and 1 is to be avoided.",
        ),
    ],
)
def test_rules_are_said_with_their_number_of_sites(
    session: Session, found: dict[str, list[int]], words: str
) -> None:
    assert sentence(session, rules(**found)) == words


@pytest.mark.parametrize("rule", matching.RULES)
def test_every_rule_of_the_engine_has_words_for_one_site_and_for_several(session: Session, rule: str) -> None:
    one, several = describing.RULES[rule]
    if rule != "modality_fit":
        assert sentence(session, rules(**{rule: [1]})) == f"The only site with the modality {one}."
        assert sentence(session, rules(**{rule: [1, 2]})) == f"All 2 sites with the modality {several}."


def test_there_are_words_for_no_other_rule() -> None:
    assert set(describing.RULES) == set(matching.RULES)


def test_a_shortage_is_said_with_its_departments_and_its_count(session: Session) -> None:
    sites = [SiteFactory(name=name) for name in ("Alder", "Birch", "Cedar", "Dogwood")]
    ids = [DepartmentFactory(site=site, modality=ModalityFactory(key="ct")).id for site in sites]

    def shortage(departments: list[int], competing: int) -> dict[str, object]:
        return rules() | {
            "kind": "shortage",
            "departments": departments,
            "competing": list(range(competing)),
            "caps": [cap(key, 1) for key in departments],
        }

    assert sentence(session, shortage(ids[:1], 2)) == "Full: CT, Alder. 2 learners compete for 1 place there."
    assert (
        sentence(session, shortage(ids[:2], 3))
        == "Full: CT, Alder and CT, Birch. 3 learners compete for 2 places there."
    )
    assert (
        sentence(session, shortage(ids, 1500))
        == "Too few places: 1,500 learners compete for 4 places in 4 departments, all of them full."
    )


def test_a_learner_who_is_elsewhere_in_the_same_weeks_is_told_so(session: Session) -> None:
    busy = {"level": "learner", "key": "l1", "week": "2027-01-04", "places": 1, "rule": "one_place_a_week"}
    reason = rules() | {"kind": "shortage", "departments": [DepartmentFactory().id], "caps": [busy]}
    assert sentence(session, reason) == "The learner has another placement in some of the same weeks."


def test_why_names_sites_departments_limits_and_rivals(session: Session) -> None:
    far, full = SiteFactory(name="Far"), DepartmentFactory(site=SiteFactory(name="Near"))
    rival = RequirementFactory(learner=LearnerFactory(reference="RIVAL"))
    own = RequirementFactory(learner=LearnerFactory(reference="OWN"))
    placing = PlacingFactory(
        requirement=own,
        reason=rules(travel_limit=[far.id])
        | {
            "kind": "shortage",
            "departments": [full.id],
            "competing": [rival.id, own.id],
            "caps": [cap(full.id, 1, "supervision")],
        },
    )
    lead = viewer_as(Role.ACADEMY_LEAD)
    why = describing.describe_reason(session, lead, placing)
    assert why is not None
    assert [(refusal.words, refusal.sites) for refusal in why.refusals] == [
        ("is beyond the travel limit", ["Far"])
    ]
    assert [(each.department.name, each.limits[0].rule) for each in why.full] == [
        ("X-ray, Near", "supervision")
    ]
    assert {learner.reference for learner in why.competing} == {"RIVAL", "OWN"}
    assert why.places == 1
    # Who else competes is the academy's to know.
    officer = viewer_as(Role.PLACEMENT_OFFICER)
    hidden = describing.describe_reason(session, officer, placing)
    assert hidden is not None
    assert hidden.competing == []
    assert describing.describe_reason(session, lead, PlacingFactory()) is None


def test_the_travel_limit_is_the_learners_own_only_where_it_is_shorter(session: Session) -> None:
    def limit(own: int | None) -> int:
        learner = LearnerFactory(travel_limit_minutes=own)
        return describing.travel_limit_of(PlacingFactory(requirement=RequirementFactory(learner=learner)))

    assert [limit(None), limit(45), limit(120)] == [90, 45, 90]


def tier(name: str, value: int, bound: int) -> dict[str, object]:
    return {"name": name, "value": value, "bound": bound, "gap": (value - bound) / value if value else 0.0}


@pytest.mark.parametrize(
    ("status", "tiers", "title", "proven"),
    [
        (
            "optimal",
            [tier("unplaced_priority_1", 3, 3), tier("cost", 9000, 9000)],
            "Proven to be the best",
            True,
        ),
        (
            "gap",
            [
                tier("unplaced_priority_1", 3, 2),
                tier("unplaced_priority_2", 9, 5),
                tier("cost", 10000, 9900),
            ],
            "Not proven to be the best: at most 5 more could be placed",
            False,
        ),
        (
            "gap",
            [tier("unplaced_priority_1", 3, 3), tier("cost", 10000, 9900)],
            "Proven for the number placed; within 1.0% for the rest",
            False,
        ),
        ("infeasible_locks", [], "Some pinned places could not be given", False),
    ],
)
def test_the_certificate_claims_what_is_proven_and_no_more(
    status: str, tiers: list[dict[str, object]], title: str, proven: bool
) -> None:
    found = results.certificate(summary_of(status=status, tiers=tiers))
    assert (found.title, found.is_proven) == (title, proven)


@pytest.mark.parametrize(
    ("state", "progress", "words", "percent"),
    [
        ("queued", {}, "Waiting to begin", 0),
        ("running", {"stage": "reading the snapshot"}, "Reading the round's data", 4),
        ("running", {"stage": "part 7 of 20"}, "Placing learners (part 7 of 20)", 39),
        ("running", {"stage": "check", "incumbent": 4, "bound": 4}, "Checking the answer independently", 97),
        ("running", {"stage": "some new stage"}, "Placing learners, the longest part of the search", 15),
    ],
)
def test_progress_is_said_in_words(state: str, progress: dict[str, object], words: str, percent: int) -> None:
    found = watching.describe_progress(Run(state=state, progress=progress, cancel_requested=False))
    assert (found["words"], found["percent"], found["state"]) == (words, percent, state)


def test_every_stage_of_the_engine_has_words(session: Session) -> None:
    heard: list[str] = []
    matching.solve(matching.generate("tiny"), progress=lambda told: heard.append(told.stage))
    assert heard
    assert {stage for stage in heard if not watching.PART.fullmatch(stage)} <= set(watching.STAGES)


def test_departments_are_sorted_by_how_full_they_are(session: Session) -> None:
    empty, half, full = (
        DepartmentFactory(site=SiteFactory(name=name)) for name in ("Empty", "Half full", "Quite full")
    )
    load = [
        {"department": empty.id, "block": "1", "placed": 0, "places": 2, "load_percent": 0},
        {"department": half.id, "block": "1", "placed": 1, "places": 2, "load_percent": 95},
        {"department": full.id, "block": "1", "placed": 2, "places": 2, "load_percent": None},
    ]
    run = RunFactory(summary=summary_of(load=load))
    saved()
    rows = results.load_by_department(session, run)
    assert [row.name for row in rows] == ["X-ray, Quite full", "X-ray, Half full", "X-ray, Empty"]
    assert [row.is_full_somewhere for row in rows] == [True, False, False]
    assert [row.is_heavy_somewhere for row in rows] == [False, True, False]
    assert [row.has_room_somewhere for row in rows] == [False, True, True]
    (xray,) = results.load_by_modality(rows)
    assert (xray.name, xray.cells["1"].placed, xray.cells["1"].places) == ("X-ray", 3, 6)
