"""The site and the worker as `make run` starts them, over a small region that a test can follow by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from placements import create_app, migrations
from placements.access import Role
from placements.extensions import db
from placements.settings import Settings
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
from tests.setup.processes import Installation, Process

ROUND = "Spring 2027"
HERE, THERE = "Queen Elizabeth Hospital", "Heartlands Hospital"
LEAD, EDUCATOR, OFFICER = "lead@example.nhs.uk", "educator@example.nhs.uk", "officer@example.ac.uk"
ADMINISTRATOR = "administrator@example.nhs.uk"


@dataclass(frozen=True)
class Live:
    """A running installation."""

    installation: Installation
    both: Process

    @property
    def address(self) -> str:
        return self.installation.address

    def logs(self) -> list[Path]:
        """What the processes have said, in files."""
        return sorted(self.installation.var.glob("*.log"))


@contextmanager
def live_site(var: Path) -> Iterator[Live]:
    """The region of `make_region`, served while the block lasts."""
    installation = Installation(var)
    make_region(var)
    with installation.running("serve") as both:
        installation.wait_until_ready(both)
        yield Live(installation, both)


def make_region(var: Path) -> None:
    """A draft round of one block, two X-ray departments (one declared: one place), one HEI, one account a role."""
    app = create_app(Settings(var=var, database_url=f"sqlite:///{var / 'placements.sqlite'}", secret_key="-"))
    with app.app_context():
        migrations.upgrade(db.engine)
        SupervisionWeightFactory(weight=Decimal("0.5"))
        round_ = RoundFactory(
            name=ROUND, state="draft", first_week=date(2027, 1, 4), last_week=date(2027, 1, 25)
        )
        block = BlockFactory(round=round_, name="Block 1", first_week=date(2027, 1, 4), weeks=4)
        xray = ModalityFactory(key="xray")
        here, there = TrustFactory(name="Here NHS Trust"), TrustFactory(name="There NHS Trust")
        DepartmentFactory(site=SiteFactory(trust=here, name=HERE, postcode="B15 2GW"), modality=xray)
        declared = DepartmentFactory(
            site=SiteFactory(
                trust=there, name=THERE, postcode="B9 5SS", latitude=52.47798, longitude=-1.82913
            ),
            modality=xray,
        )
        DeclarationFactory(round=round_, department=declared, preferred=1, maximum=1, wte=Decimal(1))
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
        app.extensions["huey"].storage.close()
        for engine in db.engines.values():
            engine.dispose()
