"""A demo round of realistic size, made through the same services as a person's work."""

import secrets
import tomllib
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from placements import clock
from placements.access import SYSTEM, Role, Viewer
from placements.accounts.models import Person
from placements.accounts.service import NewPerson, create_person, viewer_of
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.deciding import approve_declaration
from placements.capacity.service import save_declaration, submit_declaration
from placements.cohorts.queries import employed_learners
from placements.cohorts.service import accept_upload, receive_upload, submit_cohort
from placements.cohorts.several import release_learners
from placements.cohorts.uploads import MAX_ROWS
from placements.errors import Refused
from placements.extensions import db
from placements.geography.postcodes import Point, locate
from placements.organisations.models import Department, Hei, Network, Programme, Site, Trust
from placements.rounds.models import Round
from placements.rounds.service import NewBlock, NewRound, create_round, open_round
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from placements.seeding.agreements import make_agreements, say_what_sites_have, write_letter_text
from placements.seeding.checks import record_demo_checks
from placements.seeding.cohort_files import CohortFile, spoiled, write_cohort_file
from placements.seeding.educators import name_educators
from placements.seeding.homes import Homes
from placements.seeding.last_year import cohorts_a_year_earlier, publish_last_year, record_last_year
from placements.seeding.learners import hei_of, vary_learners
from placements.seeding.own_pages import open_own_pages
from placements.seeding.plans import modalities_of, new_rotations, new_variety, plan_of_block, stage_of
from placements.seeding.reference import SEEDS
from placements.seeding.workforce import return_workforce

SignIn = tuple[str, str, str, str]


def load_demo(folder: Path, settings: dict[str, Any] | None = None) -> list[SignIn]:
    """Make the demo round; returns role, name, e-mail address and password of one account a role.

    `folder` takes the cohort files that the tour uploads by hand. `settings` are those of seeds/demo.toml.
    """
    settings = settings or tomllib.loads((SEEDS / "demo.toml").read_text(encoding="utf-8"))
    random = Random(settings["seed"])  # noqa: S311 - a demo, not a secret
    sign_ins = _make_people(settings)
    lead = _viewer(Role.ACADEMY_LEAD)
    return_workforce(settings, clock.today())
    _make_last_year(lead, settings, folder)
    new_round = _new_round(settings, clock.today())
    name_educators(settings, clock.today(), new_round.first_week)
    say_what_sites_have(settings)
    write_letter_text(settings)
    make_agreements(settings, clock.academic_year(new_round.first_week))
    round_ = create_round(lead, new_round)
    open_round(lead, round_.id)
    _declare(settings, round_, random)
    _submit(settings, round_, folder, Homes(random), random)
    record_demo_checks(settings, round_, clock.today())
    open_own_pages(
        settings,
        round_.id,
        lambda hei_id: _viewer(Role.PLACEMENT_OFFICER, hei_id=hei_id),
        Random(settings["seed"] + 2),  # noqa: S311 - a demo, not a secret
    )
    perform_run(start_run(lead, round_.id).id)
    vary_learners(settings, _viewer(Role.PLACEMENT_OFFICER, hei_id=hei_of(settings)), round_.id)
    return sign_ins


def _make_last_year(lead: Viewer, settings: dict[str, Any], folder: Path) -> None:
    """Last year's round: what every department declared then, to compare with and to copy from, and where
    those went who are a year further now."""
    random = Random(settings["seed"] + 1)  # noqa: S311 - a demo, not a secret
    cohorts = cohorts_a_year_earlier(settings["cohorts"])
    everybody = {"own": [], "missing": 0, "running_out": 0}
    with clock.moved(timedelta(weeks=-52)):
        last_year = create_round(lead, _new_round(settings, clock.today()))
        open_round(lead, last_year.id)
        _declare(settings | {"undeclared": [], "drafts": [], "waiting": []}, last_year, random)
        _submit(settings | {"cohorts": cohorts}, last_year, folder, Homes(random), random)
        record_demo_checks(settings | {"checks": everybody}, last_year, clock.today())
        publication_id = publish_last_year(lead, last_year)
    record_last_year(publication_id, lambda hei_id: _viewer(Role.PLACEMENT_OFFICER, hei_id=hei_id), random)


def _make_people(settings: dict[str, Any]) -> list[SignIn]:
    """One account a role to sign in with, and one for every other trust and HEI to act in the demo."""
    trusts = {trust.ods: trust.id for trust in db.session.scalars(select(Trust))}
    heis = {hei.name: hei.id for hei in db.session.scalars(select(Hei))}
    network_id = db.session.scalars(select(Network.id)).one()
    made: list[SignIn] = []
    for person in settings["people"]:
        role, at = Role(person["role"]), person.get("organisation", "")
        password = secrets.token_urlsafe(12)
        _make_person(
            person["email"], person["name"], role, password, network_id, trusts.get(at), heis.get(at)
        )
        made.append((role.words, person["name"], person["email"], password))
    named = {(person["role"], person.get("organisation")) for person in settings["people"]}
    for ods, trust_id in trusts.items():
        for role, name, address in (
            (Role.PRACTICE_EDUCATOR, f"Educator at {ods}", f"{ods.lower()}@demo.example"),
            (Role.TRUST_EDUCATION_LEAD, f"Education lead at {ods}", f"{ods.lower()}-lead@demo.example"),
        ):
            if (role, ods) not in named:
                _make_person(address, name, role, None, None, trust_id)
    for number, (name, hei_id) in enumerate(heis.items(), 1):
        if (Role.PLACEMENT_OFFICER, name) not in named:
            _make_person(
                f"hei{number}@demo.example",
                f"Officer at {name}",
                Role.PLACEMENT_OFFICER,
                None,
                None,
                None,
                hei_id,
            )
    return made


def _make_person(
    email: str,
    name: str,
    role: Role,
    password: str | None,
    network_id: int | None,
    trust_id: int | None = None,
    hei_id: int | None = None,
) -> None:
    at_network = role in (Role.ACADEMY_LEAD, Role.ADMINISTRATOR)
    create_person(
        SYSTEM,
        NewPerson(
            email=email,
            name=name,
            role=role,
            password=password or secrets.token_urlsafe(24),
            network_id=network_id if at_network else None,
            trust_id=trust_id,
            hei_id=hei_id,
        ),
    )


def _viewer(role: Role, **organisation: int) -> Viewer:
    person = db.session.scalars(select(Person).filter_by(role=role.value, **organisation).limit(1)).one()
    return viewer_of(person)


def _new_round(settings: dict[str, Any], today: date) -> NewRound:
    """The calendar counted from today, so that the deadlines always lie ahead."""
    next_monday = today + timedelta(days=7 - today.weekday())
    first = next_monday + timedelta(weeks=settings["weeks_before_first_block"] - 1)
    blocks = tuple(
        NewBlock(
            name=block["name"],
            first_week=first + timedelta(weeks=block["starts_after_weeks"]),
            weeks=block["weeks"],
            plan=tuple(plan_of_block(settings, block["name"])),
        )
        for block in settings["blocks"]
    )
    last = blocks[-1].first_week + timedelta(weeks=blocks[-1].weeks - 1)
    return NewRound(
        name=f"{first:%B %Y} to {last:%B %Y}",
        first_week=first,
        last_week=last,
        declare_by=next_monday + timedelta(days=11),
        submit_by=next_monday + timedelta(days=18),
        blocks=blocks,
        rotations=tuple(new_rotations(settings)),
        variety=tuple(new_variety(settings)),
    )


def _declare(settings: dict[str, Any], round_: Round, random: Random) -> None:
    weeks = round_.block_weeks()
    round_id = round_.id
    left_out = {(row["site"], row["modality"]) for row in settings["undeclared"]}
    drafts = {(row["site"], row["modality"]) for row in settings["drafts"]}
    waiting = {(row["site"], row["modality"]) for row in settings["waiting"]}
    departments = db.session.scalars(
        select(Department)
        .options(joinedload(Department.site), joinedload(Department.modality))
        .order_by(Department.id)
    ).all()
    plans = [(d.id, d.site.trust_id, (d.site.name, d.modality.key), d.site.kind) for d in departments]
    for department_id, trust_id, name, kind in plans:
        most = settings["places"].get(name[1], {}).get(kind, 0)
        content = _content(weeks, most, name[1], settings["units_per_place"].get(name[1], 1), random)
        if name in left_out:
            continue
        if kind == "academy":
            educator = approver = _viewer(Role.ACADEMY_LEAD)
        else:
            educator = _viewer(Role.PRACTICE_EDUCATOR, trust_id=trust_id)
            approver = _viewer(Role.TRUST_EDUCATION_LEAD, trust_id=trust_id)
        saved = save_declaration(educator, round_id, department_id, version=0, content=content)
        version = saved.declaration.version
        if name not in drafts:
            submitted = submit_declaration(educator, round_id, department_id, version=version)
            if name in waiting:
                continue
            approve_declaration(approver, round_id, department_id, version=submitted.declaration.version)


def _content(weeks: list[date], most: int, modality: str, units: int, random: Random) -> Content:
    """A department's declaration; `units` lists or sessions make a place."""
    figures = {week: _figures(most, modality, random) for week in weeks}
    return Content(
        {
            ANYONE: {
                week: Places(places.preferred * units, places.maximum * units)
                for week, (places, _) in figures.items()
            }
        },
        {week: wte for week, (_, wte) in figures.items()},
    )


def _figures(most: int, modality: str, random: Random) -> tuple[Places, Decimal]:
    """A department's week: its usual most, now and then one fewer, and the educators to go with it."""
    maximum = max(0, most - (random.random() < 0.12)) if most > 1 else most
    preferred = max(min(maximum, 1), round(maximum * 0.75))
    per_learner = Decimal("1") if modality.startswith("ultrasound") else Decimal("0.5")
    spare = Decimal(random.choice(("0", "0", "0.5", "1")))
    return Places(preferred, maximum), maximum * per_learner + spare


def _submit(settings: dict[str, Any], round_: Round, folder: Path, homes: Homes, random: Random) -> None:
    round_id, year = round_.id, round_.first_week.year
    sites = db.session.scalars(
        select(Site).options(joinedload(Site.trust), joinedload(Site.departments)).order_by(Site.id)
    ).unique()
    sites_by_modality: dict[str, list[Site]] = {}
    for site in sites:
        for department in site.departments:
            sites_by_modality.setdefault(department.modality.key, []).append(site)
    for cohort in settings["cohorts"]:
        hei = db.session.scalars(select(Hei).filter_by(name=cohort["hei"])).one()
        programme = db.session.scalars(
            select(Programme).filter_by(hei_id=hei.id, name=cohort["programme"])
        ).one()
        group = programme.learner_group.key
        for stage_key, learners in cohort["learners"].items():
            needed = modalities_of(settings, group, stage_key)
            possible = {site.id: site for key in sorted(needed) for site in sites_by_modality[key]}
            wanted = CohortFile(
                prefix=_prefix(programme, cohort.get("becomes", {}).get(stage_key, stage_key)),
                learners=learners,
                lives_near=_point(cohort.get("lives_near", hei.postcode)),
                employed=group == "sonography" or stage_key.startswith("apprentice"),
                with_hub=group in settings.get("with_hub", ()),
            )
            data = write_cohort_file(wanted, list(possible.values()), homes, random)
            stage = stage_of(programme, stage_key)
            name = f"{_initials(hei.name)}-{group}-{stage_key}.csv".lower()
            if cohort.get("upload_later"):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(spoiled(data))
                continue
            officer = _viewer(Role.PLACEMENT_OFFICER, hei_id=hei.id)
            upload = receive_upload(
                officer,
                round_id,
                programme_id=programme.id,
                stage_id=stage.id,
                intake=str(year - 1),
                filename=name,
                data=data,
                # No worker need be running where the demo is made.
                rows_at_once=MAX_ROWS,
            )
            accepted = accept_upload(officer, upload.id, version=upload.version)
            if released := cohort.get("released"):
                employed = [row.id for row in employed_learners(db.session, accepted)][:released]
                release_learners(officer, accepted.id, employed, released=True, version=accepted.version)
            submit_cohort(officer, accepted.id, version=accepted.version)


def _prefix(programme: Programme, stage_key: str) -> str:
    """How the references of a programme's learners begin who are in this stage this year."""
    group = programme.learner_group.key
    return f"{_initials(programme.hei.name)}{group[0].upper()}{stage_key[-1]}{programme.id}-"


def _point(postcode: str) -> Point:
    point = locate(postcode)
    if point is None:
        raise Refused(f"The demo's settings name the postcode {postcode}, which is not in the directory.")
    return point


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split() if word[0].isupper())
