"""A small round, declared and submitted, ready to be matched."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal

from placements.access import Role, Viewer
from placements.cohorts.models import Learner
from placements.organisations.models import Department, Hei, Trust
from placements.rounds.models import Block, Round
from tests.factories import (
    BlockFactory,
    CohortFactory,
    DeclarationFactory,
    DepartmentFactory,
    HeiFactory,
    LearnerFactory,
    ModalityFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RequirementFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    SupervisionWeightFactory,
    TrustFactory,
    saved,
    viewer_as,
)


@dataclass(frozen=True)
class SmallRound:
    """Two X-ray departments of two trusts in Birmingham, one HEI, one block that its learners need; `later`
    are further blocks that are declared too."""

    round: Round
    block: Block
    hei: Hei
    trusts: tuple[Trust, Trust]
    departments: tuple[Department, Department]
    learners: list[Learner]
    lead: Viewer
    later: list[Block]


@dataclass(frozen=True)
class RoundDates:
    """When a round is, for a site that is served and so asks the real clock."""

    first_week: date
    last_week: date
    declare_by: date
    submit_by: date


def small_round(
    *,
    learners: int = 3,
    places: tuple[int, int] = (1, 1),
    wte: Decimal | None = None,
    later: int = 0,
    dates: RoundDates | None = None,
) -> SmallRound:
    """Learners who all need X-ray in the first block; `places` are the most at once of the two departments,
    `wte` the time of each (if not given, enough), `later` is the number of blocks after it."""
    SupervisionWeightFactory(weight=Decimal("0.5"))
    round_ = RoundFactory(**asdict(dates)) if dates else RoundFactory()
    block = BlockFactory(round=round_, first_week=round_.first_week, weeks=4)
    after = [
        BlockFactory(round=round_, first_week=block.first_week + timedelta(weeks=4 * (i + 1)), weeks=4)
        for i in range(later)
    ]
    trusts = (TrustFactory(), TrustFactory())
    xray = ModalityFactory(key="xray")
    departments = tuple(
        DepartmentFactory(site=SiteFactory(trust=trust, postcode=postcode), modality=xray)
        for trust, postcode in zip(trusts, ("B15 2GW", "B9 5SS"), strict=True)
    )
    for department, most in zip(departments, places, strict=True):
        DeclarationFactory(
            round=round_,
            department=department,
            preferred=min(1, most),
            maximum=most,
            each_wte=wte or Decimal(most),
        )
    programme = ProgrammeFactory(hei=HeiFactory(), learner_group__key="diagnostic_radiography")
    stage = StageFactory(learner_group=programme.learner_group)
    line = PlanLineFactory(block=block, programme=programme, stage=stage, modalities=[xray])
    cohort = CohortFactory(round=round_, programme=programme, stage=stage)
    people = [LearnerFactory(cohort=cohort) for _ in range(learners)]
    for learner in people:
        RequirementFactory(learner=learner, plan_line=line, block=block)
    saved()
    return SmallRound(
        round=round_,
        block=block,
        hei=programme.hei,
        trusts=trusts,
        departments=departments,  # type: ignore[arg-type]  # two of them, as zipped above
        learners=people,
        lead=viewer_as(Role.ACADEMY_LEAD),
        later=after,
    )
