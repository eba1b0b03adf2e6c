"""Small regions to be served, such as a test can follow by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

from placements import create_app
from placements.access import Role
from placements.allocations.service import adopt_run, publish_round
from placements.extensions import db
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from placements.settings import Settings
from tests.databases import migrated_sqlite
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    HeiFactory,
    ModalityFactory,
    PersonFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    SupervisionWeightFactory,
    TrustFactory,
    saved,
)
from tests.factories.region import small_round

ROUND = "Spring 2027"
HERE, THERE = "Queen Elizabeth Hospital", "Heartlands Hospital"
LEAD, EDUCATOR, OFFICER = "lead@example.nhs.uk", "educator@example.nhs.uk", "officer@example.ac.uk"
ADMINISTRATOR = "administrator@example.nhs.uk"
EMAILS = {
    "academy_lead": LEAD,
    "practice_educator": EDUCATOR,
    "placement_officer": OFFICER,
    "administrator": ADMINISTRATOR,
}


def make_region(var: Path) -> None:
    """A draft round where submitting is enough, two X-ray departments (one has declared one place), one HEI,
    one account a role."""
    with filling(var):
        SupervisionWeightFactory(weight=Decimal("0.5"))
        round_ = RoundFactory(
            name=ROUND,
            state="draft",
            first_week=date(2027, 1, 4),
            last_week=date(2027, 1, 25),
            needs_approval=False,
        )
        block = BlockFactory(round=round_, name="Block 1", first_week=date(2027, 1, 4), weeks=4)
        xray = ModalityFactory(key="xray")
        here, there = TrustFactory(name="Here NHS Trust"), TrustFactory(name="There NHS Trust")
        DepartmentFactory(site=SiteFactory(trust=here, name=HERE, postcode="B15 2GW"), modality=xray)
        heartlands = SiteFactory(
            trust=there, name=THERE, postcode="B9 5SS", latitude=52.47798, longitude=-1.82913
        )
        DeclarationFactory(
            round=round_,
            department=DepartmentFactory(site=heartlands, modality=xray),
            preferred=1,
            maximum=1,
            each_wte=Decimal(1),
        )
        programme = ProgrammeFactory(
            hei=HeiFactory(name="City University"), name="BSc (Hons) Diagnostic Radiography"
        )
        stage = StageFactory(learner_group=programme.learner_group, key="year_1", name="Year 1")
        PlanLineFactory(block=block, programme=programme, stage=stage, modalities=[xray])
        PersonFactory(email=LEAD, name="Lena Lead")
        PersonFactory(
            email=EDUCATOR, name="Eddy Educator", role=Role.PRACTICE_EDUCATOR.value, trust_id=here.id
        )
        PersonFactory(
            email=OFFICER, name="Olu Officer", role=Role.PLACEMENT_OFFICER.value, hei_id=programme.hei.id
        )
        PersonFactory(email=ADMINISTRATOR, name="Ada Administrator", role=Role.ADMINISTRATOR.value)
        saved()


def make_ready_round(var: Path) -> None:
    """A round that only waits to be matched: three learners, two places; and its academy lead's account."""
    with filling(var):
        small_round(learners=3, places=(1, 1))
        PersonFactory(email=LEAD, name="Lena Lead")
        saved()


def make_matched_region(var: Path) -> None:
    """A round that is matched and published, with one account a role to look at it."""
    with filling(var):
        region = small_round(learners=3, places=(1, 1))
        PersonFactory(email=LEAD, name="Lena Lead")
        PersonFactory(
            email=EDUCATOR,
            role=Role.PRACTICE_EDUCATOR.value,
            trust_id=region.trusts[0].id,
            name="Eddy Educator",
        )
        PersonFactory(
            email=OFFICER, role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id, name="Olu Officer"
        )
        PersonFactory(email=ADMINISTRATOR, role=Role.ADMINISTRATOR.value, name="Ada Administrator")
        saved()
        run_id = start_run(region.lead, region.round.id).id
        perform_run(run_id)
        adopt_run(region.lead, run_id)
        publish_round(region.lead, region.round.id, version=region.round.version)


@contextmanager
def filling(var: Path) -> Iterator[None]:
    """An application over this folder's database, made where there is none; gone before it is served."""
    path = var / "placements.sqlite"
    if not path.exists():
        path.write_bytes(migrated_sqlite())
    url = f"sqlite:///{path}"
    app = create_app(Settings(var=var, database_url=url, secret_key="not of the served site"))
    with app.app_context():
        yield
        app.extensions["huey"].storage.close()
        for engine in db.engines.values():
            engine.dispose()
