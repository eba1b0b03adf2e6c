"""Forms about plans, blocks and programmes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    Form,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, NumberRange, Optional

from placements.errors import Refused
from placements.organisations.models import LearnerGroup
from placements.plans.blocks import BlockDetails
from placements.plans.content import MOST_PLACES, MOST_ROTATIONS, PlanContent, PlannedPlace, PlannedRotation
from placements.rounds.models import EVERY_WEEKDAY, Block
from placements.rounds.service import MOST_WEEKS

# Placements that a new rotation has room for.
NEW_PLACES = 4
SITES = "Enter a whole number, or nothing"


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


def _number(text: str | None, otherwise: int = -1) -> int:
    return int(text) if text and re.fullmatch(r"[0-9]{1,6}", text) else otherwise


class PlaceForm(Form):
    """One place: any of these modalities, on these days, from one week of a block to another (by number)."""

    line = HiddenField()
    modalities = SelectMultipleField(validate_choice=False)
    first = StringField()
    last = StringField()
    weekdays = SelectMultipleField(validate_choice=False)

    @classmethod
    def of(cls, prefix: str, place: PlannedPlace | None, block: Block | None = None) -> "PlaceForm":
        """The form of a place as it stands; None: of one that is not asked for."""
        last = block.weeks - 1 if block is not None else 0
        if place is None:
            return cls(prefix=prefix, data={"first": "0", "last": str(last), "weekdays": list(EVERY_WEEKDAY)})
        if place.weeks is not None:
            last = place.weeks_in + place.weeks - 1
        return cls(
            prefix=prefix,
            data={
                "line": str(place.line_id or ""),
                "modalities": list(place.modalities),
                "first": str(place.weeks_in),
                "last": str(last),
                "weekdays": list(place.weekdays),
            },
        )

    @property
    def is_asked(self) -> bool:
        return bool(self.modalities.data)

    def place(self, block: Block | None = None) -> PlannedPlace:
        """What was entered; what it means is judged by the service."""
        first, weeks = 0, None
        if block is not None:
            first, last = _number(self.first.data), _number(self.last.data)
            weeks = None if first >= 0 and last == block.weeks - 1 else last - first + 1
        return PlannedPlace(
            tuple(sorted(set(self.modalities.data or ()))),
            "".join(sorted(set(self.weekdays.data or ()) & set(EVERY_WEEKDAY))),
            first,
            weeks,
            _number(self.line.data, 0) or None,
        )


class RotationForm(Form):
    """Places that float over some blocks."""

    rotation = HiddenField()
    name = StringField(filters=[_stripped])
    blocks = SelectMultipleField(validate_choice=False)
    remove = BooleanField("Remove this rotation")

    places: list[PlaceForm]

    @property
    def is_used(self) -> bool:
        return not self.remove.data and bool(
            self.name.data or self.rotation.data or self.blocks.data or self.asked
        )

    @property
    def asked(self) -> list[PlaceForm]:
        return [place for place in self.places if place.is_asked]


class PlanForm(FlaskForm):
    """The plan of a programme and stage: a place for each block, rotations, variety."""

    version = IntegerField("version", [Optional()], default=0)
    seen = HiddenField("seen")
    different_sites = StringField("Least different sites by the end of the round", filters=[_stripped])
    site_repeats = StringField("Most placements at one site", filters=[_stripped])

    def __init__(self, blocks: Sequence[Block], content: PlanContent, version: int, sent: Any = None) -> None:
        self.round_blocks = blocks
        # Each wrong field's id to what is wrong with it, in the order of the page.
        self.problems: dict[str, str] = {}
        shown = {
            "version": version,
            "different_sites": str(content.different_sites or ""),
            "site_repeats": str(content.site_repeats or ""),
        }
        super().__init__(sent, data=shown)
        if sent is None:
            self._stand(content)
        else:
            self._read(sent)

    def _stand(self, content: PlanContent) -> None:
        asked = dict(content.blocks)
        self.places = {
            block: PlaceForm.of(f"block-{block.id}", asked.get(block.id), block)
            for block in self.round_blocks
        }
        self.rotations = []
        for index, rotation in enumerate(content.rotations):
            form = RotationForm(
                prefix=f"rotation-{index}",
                data={
                    "rotation": str(rotation.rotation_id or ""),
                    "name": rotation.name,
                    "blocks": [str(block_id) for block_id in rotation.blocks],
                },
            )
            form.places = [
                PlaceForm.of(f"rotation-{index}-place-{number}", place)
                for number, place in enumerate(rotation.places)
            ]
            self.rotations.append(form)

    def _read(self, sent: MultiDict[str, str]) -> None:
        self.places = {block: PlaceForm(sent, prefix=f"block-{block.id}") for block in self.round_blocks}
        self.rotations = []
        while len(self.rotations) < MOST_ROTATIONS and f"rotation-{len(self.rotations)}-name" in sent:
            name = f"rotation-{len(self.rotations)}"
            form = RotationForm(sent, prefix=name)
            form.places = []
            while len(form.places) < MOST_PLACES and f"{name}-place-{len(form.places)}-line" in sent:
                form.places.append(PlaceForm(sent, prefix=f"{name}-place-{len(form.places)}"))
            self.rotations.append(form)

    def add(self, what: str) -> None:
        """More room: for a rotation, or (by its number) for one more placement of a rotation."""
        if what == "rotation" and len(self.rotations) < MOST_ROTATIONS:
            index = len(self.rotations)
            form = RotationForm(prefix=f"rotation-{index}", data={})
            form.places = [
                PlaceForm.of(f"rotation-{index}-place-{number}", None) for number in range(NEW_PLACES)
            ]
            self.rotations.append(form)
        elif 0 <= (index := _number(what)) < len(self.rotations):
            places = self.rotations[index].places
            if len(places) < MOST_PLACES:
                places.append(PlaceForm.of(f"rotation-{index}-place-{len(places)}", None))

    def is_right(self) -> bool:
        """Whether what was entered can be read; what is wrong is in `problems`."""
        for name in ("different_sites", "site_repeats"):
            text = self[name].data
            if text and _number(text) < 0:
                self.problems[name] = f"“{text[:20]}” is not a number. {SITES}"
        return not self.problems and self.validate()

    def content(self) -> PlanContent:
        """What was entered, as the service takes it."""
        return PlanContent(
            blocks=tuple(
                sorted((block.id, form.place(block)) for block, form in self.places.items() if form.is_asked)
            ),
            rotations=tuple(
                PlannedRotation(
                    " ".join((form.name.data or "").split()),
                    tuple(sorted({_number(value, 0) for value in form.blocks.data or ()})),
                    tuple(place.place() for place in form.asked),
                    _number(form.rotation.data, 0) or None,
                )
                for form in self._used()
            ),
            different_sites=_number(self.different_sites.data) if self.different_sites.data else None,
            site_repeats=_number(self.site_repeats.data) if self.site_repeats.data else None,
        )

    def refuse(self, refusal: Refused) -> None:
        """Put what a service refused beside the fields that it names; raises it again where it names none."""
        if not refusal.fields:
            raise refusal
        for name, words in refusal.fields.items():
            self.problems[self._here(name)] = words

    def _used(self) -> list[RotationForm]:
        return [form for form in self.rotations if form.is_used]

    def _here(self, name: str) -> str:
        """The field on the page for one that the service names: there, what is empty is not counted."""
        found = re.fullmatch(r"rotation-(\d+)-(.+)", name)
        if found is None:
            return name
        used = self._used()
        if int(found[1]) >= len(used):
            return "add-rotation"
        form = used[int(found[1])]
        own = f"rotation-{self.rotations.index(form)}"
        place = re.fullmatch(r"place-(\d+)-(.+)", found[2])
        if place is None:
            return f"{own}-{found[2]}"
        number = int(place[1])
        at = form.places.index(form.asked[number]) if number < len(form.asked) else 0
        return f"{own}-place-{at}-{place[2]}"

    def each_problem(self) -> Iterator[Mapping[str, str]]:
        """What is wrong, for the summary at the top."""
        for name, words in self.problems.items():
            yield {"text": words, "href": f"#{name}"}


class BlockForm(FlaskForm):
    """A block's name, first Monday and weeks."""

    version = IntegerField("version", [Optional()], default=0)
    name = StringField("Name", [InputRequired("Enter a name for the block")], filters=[_stripped])
    first_week = DateField("First week, a Monday", [InputRequired("Enter the Monday on which it begins")])
    weeks = IntegerField(
        "Weeks",
        [
            InputRequired(f"Enter a whole number of weeks from 1 to {MOST_WEEKS}"),
            NumberRange(1, MOST_WEEKS, f"Use a whole number of weeks from 1 to {MOST_WEEKS}"),
        ],
    )

    @classmethod
    def of(cls, block: Block) -> "BlockForm":
        """The form as the block stands."""
        names = ("version", "name", "first_week", "weeks")
        return cls(data={name: getattr(block, name) for name in names})

    def command(self) -> BlockDetails:
        return BlockDetails(
            cast(str, self.name.data), cast(date, self.first_week.data), cast(int, self.weeks.data)
        )


class ProgrammeForm(FlaskForm):
    """A programme's name and, of a new one, whom it trains."""

    version = IntegerField("version", [Optional()], default=0)
    name = StringField("Name", [InputRequired("Enter the programme's name")], filters=[_stripped])
    learner_group_id = SelectField("Learner group", coerce=int, validate_choice=False)

    def __init__(self, groups: Sequence[LearnerGroup] = (), **values: Any) -> None:
        super().__init__(**values)
        self.learner_group_id.choices = [(group.id, group.name) for group in groups]
