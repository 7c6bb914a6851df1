"""GET /presets: the presets and every knob with its bounds, so that a form needs no list of its own."""

from typing import Any, Literal, get_args

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.http.dependencies import ServicesDep
from app.http.parameters import StrictRoute
from app.http.problems import documented
from app.jobs.estimates import estimate_of, paces
from core.recipe import ABOUT, DEFAULT_PRESET, GROUPS, PRESETS, Knobs, PresetName, Recipe
from jobs.record import Publish, TrainSpec

router = APIRouter(tags=["train"], route_class=StrictRoute)

BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "enum": "choices",
}


class Preset(BaseModel):
    """A recipe to start from."""

    name: PresetName
    description: str
    recipe: Recipe
    minutes: float = Field(description="How long it takes on `mnist` here, within a factor of two or so.")


class Knob(BaseModel):
    """A knob of the recipe, and what it allows."""

    name: str
    type: Literal["integer", "number", "choice", "text"]
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    choices: list[str] | None = None
    nullable: bool
    default: Any = Field(description="That of the default preset.")
    description: str
    group: str


class Presets(BaseModel):
    """What a training can be asked for."""

    default: PresetName
    presets: list[Preset]
    knobs: list[Knob]
    publish: list[Publish]


@router.get("/presets", responses=documented(503))
def get_presets(services: ServicesDep) -> Presets:
    """The presets of `POST /train`, and every knob with its bounds, its default and what it does."""
    known = paces(services)
    presets = []
    for name, recipe in PRESETS.items():
        spec = TrainSpec(preset=name, recipe=recipe, publish="auto", dataset_id=None)
        took = round(estimate_of(spec, services, known).seconds / 60, 1)
        presets.append(Preset(name=name, description=ABOUT[name], recipe=recipe, minutes=took))
    return Presets(default=DEFAULT_PRESET, presets=presets, knobs=knobs(), publish=list(get_args(Publish)))


def knobs() -> list[Knob]:
    """The knobs in the order of their groups, by the schema of the recipe."""
    schemas = Knobs.model_json_schema()["properties"]
    return [_knob(name, group, schemas[name]) for group, names in GROUPS.items() for name in names]


def _knob(name: str, group: str, schema: dict[str, Any]) -> Knob:
    options = schema.get("anyOf", [schema])
    (value,) = (option for option in options if option.get("type") != "null")
    kind = "choice" if "enum" in value else {"string": "text"}.get(value["type"], value["type"])
    bounds = {ours: value[theirs] for theirs, ours in BOUNDS.items() if theirs in value}
    about = {"default": schema["default"], "description": schema["description"]}
    return Knob(name=name, type=kind, nullable=len(options) > 1, group=group, **bounds, **about)
