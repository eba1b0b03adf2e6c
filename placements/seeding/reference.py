"""The reference data of seeds/, loaded through the services of the parts that it belongs to."""

import csv
from pathlib import Path

from placements.access import SYSTEM
from placements.clearance.service import load_check_kinds
from placements.organisations.models import Network
from placements.organisations.service import Reference
from placements.organisations.service import load_reference as load
from placements.settings import ROOT

SEEDS = ROOT / "seeds"
NETWORK = "West Midlands Imaging Network"
ACADEMY = "Midlands Imaging Academy"


def load_reference(folder: Path = SEEDS) -> Network:
    """Load or bring up to date the network's organisations, modalities, learner groups and programmes."""
    tables = {
        name: _rows(folder / f"{name}.csv")
        for name in (
            "modalities",
            "professions",
            "learner_groups",
            "stages",
            "place_rates",
            "supervision_models",
            "trusts",
            "sites",
            "access_needs",
            "heis",
            "programmes",
        )
    }
    network = load(SYSTEM, Reference(network=NETWORK, academy=ACADEMY, **tables))
    load_check_kinds(SYSTEM, network.id, _rows(folder / "check_kinds.csv"))
    return network


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
