"""What can be done with organisations and reference data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.clock import today
from placements.database import Base
from placements.errors import Refused, Stale
from placements.geography.postcodes import Point, locate_many
from placements.geography.uploads import MatrixOverride, parse_matrix
from placements.organisations.models import (
    AccessNeed,
    Department,
    FairShareRate,
    Hei,
    Icb,
    LearnerGroup,
    Modality,
    Network,
    PlaceRate,
    Profession,
    Programme,
    Site,
    Stage,
    SupervisionFactor,
    SupervisionModel,
    SupervisionWeight,
    TravelOverride,
    Trust,
)
from placements.organisations.queries import rate_lines, sites_of_network
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction

Row = Mapping[str, str]
T = TypeVar("T", bound=Base)


@dataclass(frozen=True)
class Reference:
    """Reference data as rows of text, one list a table; columns as in the CSV files of seeds/."""

    network: str
    academy: str
    modalities: Sequence[Row]
    learner_groups: Sequence[Row]
    stages: Sequence[Row]
    trusts: Sequence[Row]
    sites: Sequence[Row]
    heis: Sequence[Row]
    programmes: Sequence[Row]
    professions: Sequence[Row] = ()
    place_rates: Sequence[Row] = ()
    supervision_models: Sequence[Row] = ()
    access_needs: Sequence[Row] = ()


def load_reference(viewer: Viewer, reference: Reference) -> Network:
    """Make or bring up to date every organisation; safe to repeat. All or nothing.

    Coordinates come from the postcode directory, never from the rows. Raises Refused naming the row where a
    postcode is unknown or a row names an organisation that is not there.
    """
    points = _points([*reference.sites, *reference.heis])
    with transaction(viewer, Action.LOAD_REFERENCE) as tx:
        network = _put(tx, Network, {"name": reference.network}, academy_name=reference.academy)
        modalities = {
            row["key"]: _put(
                tx, Modality, {"key": row["key"]}, name=row["name"], measure=row.get("measure", "places")
            )
            for row in reference.modalities
        }
        for row in reference.access_needs:
            _put(tx, AccessNeed, {"key": row["key"]}, name=row["name"])
        groups = _load_learner_groups(tx, reference)
        _load_rates(tx, reference, modalities, groups)
        _load_trusts(tx, reference, network, modalities, points)
        heis = {
            row["hei"]: _put(
                tx,
                Hei,
                {"name": row["hei"]},
                network_id=network.id,
                postcode=row["postcode"],
                latitude=points[row["postcode"]].latitude,
                longitude=points[row["postcode"]].longitude,
            )
            for row in reference.heis
        }
        for row in reference.programmes:
            _put(
                tx,
                Programme,
                {"hei_id": _named(heis, row["hei"], "HEI").id, "name": row["name"]},
                learner_group_id=_named(groups, row["learner_group"], "learner group").id,
            )
        tx.note(network, trusts=len(reference.trusts), sites=len(reference.sites), heis=len(heis))
    return network


# The most that each kind of figure can be, and whether it may be 0; the tables' constraints say the same.
RATE_RANGES: Mapping[str, tuple[Decimal, bool]] = {
    "weight": (Decimal(2), False),
    "factor": (Decimal(2), False),
    "place": (Decimal(20), False),
    "fair_share": (Decimal(400), True),
}


@dataclass(frozen=True)
class NewRate:
    """A figure of the reference data from a day on. `kind` is one of RATE_RANGES, `key` that of the figure's
    RateLine: identities with a full stop between."""

    kind: str
    key: str
    value: Decimal
    valid_from: date


def save_reference(viewer: Viewer, new: NewRate) -> None:
    """Add a figure from a day on; what held before stays as it was. Rounds that begin on that day or later
    use it.

    Raises Refused naming each wrong field: the day has to be later than the figure's last one and not in
    the past; and Stale where somebody else added the same meanwhile.
    """
    try:
        with transaction(viewer, Action.SAVE_REFERENCE) as tx:
            line = next((row for row in rate_lines(tx.session, new.kind) if row.key == new.key), None)
            wrong = wrong_rate(new)
            if line is None:
                wrong["key"] = "Choose from the list"
            elif line.history and (last := line.history[0][0]) is not None and new.valid_from <= last:
                wrong["valid_from"] = (
                    f"Use a day after {last.day} {last:%B %Y}, from which the last one holds:"
                    " the past is not changed"
                )
            if wrong:
                raise Refused(" ".join(f"{words}." for words in wrong.values()), wrong)
            row = _rate(new)
            tx.session.add(row)
            tx.note(row, value=str(new.value), valid_from=str(new.valid_from))
    except IntegrityError:
        raise Stale(CHANGED_MEANWHILE) from None


def wrong_rate(new: NewRate) -> dict[str, str]:
    """What cannot be right about a figure and its day, by field, in words."""
    wrong = {}
    most, may_be_nought = RATE_RANGES[new.kind]
    value = new.value
    is_right = value.is_finite() and 0 <= value <= most and round(value, 2) == value
    if not is_right or (value == 0 and not may_be_nought):
        wrong["value"] = (
            f"Enter a number {'from' if may_be_nought else 'above'} 0 to {most} with at most two decimals"
        )
    if new.valid_from < today():
        wrong["valid_from"] = "Use today or a later day: the past is not changed"
    return wrong


def _rate(new: NewRate) -> SupervisionWeight | SupervisionFactor | PlaceRate | FairShareRate:
    first, *rest = [int(part) for part in new.key.split(".")]
    if new.kind == "weight":
        return SupervisionWeight(
            learner_group_id=first,
            stage_id=rest[0] if rest else None,
            weight=new.value,
            valid_from=new.valid_from,
        )
    if new.kind == "factor":
        return SupervisionFactor(
            supervision_model_id=first, weight_factor=new.value, valid_from=new.valid_from
        )
    if new.kind == "place":
        return PlaceRate(
            modality_id=first,
            learner_group_id=rest[0],
            units_per_place=new.value,
            valid_from=new.valid_from,
        )
    return FairShareRate(profession_id=first, days_per_wte=new.value, valid_from=new.valid_from)


def load_travel_matrix(viewer: Viewer, network_id: int, content: bytes) -> int:
    """Replace a network's uploaded travel times with those of a CSV; returns how many there are now.

    Raises Refused, naming each line, and changes nothing, where any line cannot be used.
    """
    with transaction(viewer, Action.LOAD_TRAVEL_MATRIX) as tx:
        sites = {site.name: site.postcode for site in sites_of_network(tx.session, network_id)}
        reading = parse_matrix(content, sites)
        if reading.refusals:
            raise Refused(
                f"Nothing was loaded: {len(reading.refusals)} of the file's lines cannot be used.",
                {
                    f"line {row.line}, {row.column or 'whole line'}": f"{row.value!r}: {row.why} {row.right}"
                    for row in reading.refusals
                },
            )
        tx.session.execute(delete(TravelOverride).where(TravelOverride.network_id == network_id))
        tx.session.add_all(_override(network_id, row) for row in reading.overrides)
        tx.note(tx.session.get(Network, network_id), travel_times=len(reading.overrides))
    return len(reading.overrides)


def _override(network_id: int, row: MatrixOverride) -> TravelOverride:
    return TravelOverride(
        network_id=network_id, origin=row.origin, site=row.site, mode=row.mode, minutes=row.minutes
    )


def _load_rates(
    tx: Transaction,
    reference: Reference,
    modalities: Mapping[str, Modality],
    groups: Mapping[str, LearnerGroup],
) -> None:
    for row in reference.place_rates:
        _put(
            tx,
            PlaceRate,
            {
                "modality_id": _named(modalities, row["modality"], "modality").id,
                "learner_group_id": _named(groups, row["learner_group"], "learner group").id,
                "valid_from": date.fromisoformat(row["valid_from"]),
            },
            units_per_place=Decimal(row["units_per_place"]),
        )
    for row in reference.supervision_models:
        _put(
            tx,
            SupervisionModel,
            {"key": row["key"]},
            name=row["name"],
            weight_factor=Decimal(row["weight_factor"]),
        )


def _load_learner_groups(tx: Transaction, reference: Reference) -> dict[str, LearnerGroup]:
    professions = {}
    for row in reference.professions:
        profession = professions[row["key"]] = _put(tx, Profession, {"key": row["key"]}, name=row["name"])
        _put(
            tx,
            FairShareRate,
            {"profession_id": profession.id, "valid_from": date.fromisoformat(row["valid_from"])},
            days_per_wte=Decimal(row["days_per_wte"]),
        )
    groups = {}
    for row in reference.learner_groups:
        key = row.get("profession")
        group = groups[row["key"]] = _put(
            tx,
            LearnerGroup,
            {"key": row["key"]},
            name=row["name"],
            profession_id=_named(professions, key, "profession").id if key else None,
        )
        _put(
            tx,
            SupervisionWeight,
            {
                "learner_group_id": group.id,
                "stage_id": None,
                "valid_from": date.fromisoformat(row["valid_from"]),
            },
            weight=Decimal(row["supervision_weight"]),
        )
    for position, row in enumerate(reference.stages):
        group = _named(groups, row["learner_group"], "learner group")
        _put(
            tx,
            Stage,
            {"learner_group_id": group.id, "key": row["key"]},
            name=row["name"],
            position=position,
            priority=int(row["priority"]),
        )
    return groups


def _load_trusts(
    tx: Transaction,
    reference: Reference,
    network: Network,
    modalities: Mapping[str, Modality],
    points: Mapping[str, Point],
) -> None:
    trusts = {}
    for row in reference.trusts:
        icb = _put(tx, Icb, {"ods": row["icb_ods"]}, name=row["icb"], network_id=network.id)
        trusts[row["trust_ods"]] = _put(
            tx, Trust, {"ods": row["trust_ods"]}, name=row["trust"], icb_id=icb.id
        )
    for row in reference.sites:
        point = points[row["postcode"]]
        site = _put(
            tx,
            Site,
            {"name": row["site"]},
            trust_id=_named(trusts, row["trust_ods"], "trust").id,
            kind=row["kind"],
            postcode=row["postcode"],
            latitude=point.latitude,
            longitude=point.longitude,
        )
        for key in row["modalities"].split():
            _put(
                tx,
                Department,
                {"site_id": site.id, "modality_id": _named(modalities, key, "modality").id},
            )


def _put(tx: Transaction, model: type[T], key: dict[str, Any], **values: Any) -> T:
    """The row with this key, made where there is none, with these values."""
    row = tx.session.scalar(select(model).filter_by(**key))
    if row is None:
        row = model(**key, **values)
        tx.session.add(row)
    else:
        for name, value in values.items():
            setattr(row, name, value)
    tx.session.flush()
    return row


def _named(rows: Mapping[str, T], name: str, what: str) -> T:
    if name not in rows:
        raise Refused(f"The reference data names the {what} {name!r}, which is not among the {what}s.")
    return rows[name]


def _points(rows: Sequence[Row]) -> dict[str, Point]:
    points = locate_many(row["postcode"] for row in rows)
    for row in rows:
        if row["postcode"] not in points:
            name = row.get("site") or row.get("hei")
            raise Refused(f"{name}: the postcode {row['postcode']} is not in the postcode directory.")
    return points
