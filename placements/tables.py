"""Every table, imported in one place so that the metadata is whole wherever it is used."""

from placements.accounts import models as accounts
from placements.agreements import models as agreements
from placements.allocations import models as allocations
from placements.appeals import models as appeals
from placements.audit import models as audit
from placements.capacity import models as capacity
from placements.clearance import models as clearance
from placements.cohorts import models as cohorts
from placements.confirmations import models as confirmations
from placements.database import Base
from placements.educators import models as educators
from placements.mail import models as mail
from placements.organisations import models as organisations
from placements.outcomes import models as outcomes
from placements.repairs import models as repairs
from placements.rounds import models as rounds
from placements.scenarios import models as scenarios

__all__ = [
    "Base",
    "accounts",
    "agreements",
    "allocations",
    "appeals",
    "audit",
    "capacity",
    "clearance",
    "cohorts",
    "confirmations",
    "educators",
    "mail",
    "organisations",
    "outcomes",
    "repairs",
    "rounds",
    "scenarios",
]
