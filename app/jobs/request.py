"""What POST /train takes."""

from typing import Any

from pydantic import ConfigDict, Field, model_validator

from core.recipe import DEFAULT_PRESET, PRESETS, PresetName, Recipe, with_preset
from jobs.record import Publish, TrainSpec


class TrainRequest(Recipe):
    """A training job: a preset, any knob of the recipe laid over it, and what to do with the result.

    Every field may be left out; the defaults shown are those of the default preset.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"preset": "smoke"}, {"preset": "faithful", "epochs": 5, "seed": 7}]}
    )

    preset: PresetName = Field(DEFAULT_PRESET, description="The recipe to start from.")
    publish: Publish = Field(
        "auto",
        description="Whether the finished model becomes the active one; `auto`: unless it is worse by its scores.",
    )

    @model_validator(mode="before")
    @classmethod
    def _lay_over_preset(cls, values: Any) -> Any:
        preset = values.get("preset", DEFAULT_PRESET) if isinstance(values, dict) else None
        return with_preset(preset, values) if isinstance(preset, str) and preset in PRESETS else values

    def to_spec(self) -> TrainSpec:
        """The job that this asks for."""
        recipe = Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})
        return TrainSpec(preset=self.preset, recipe=recipe, publish=self.publish)
