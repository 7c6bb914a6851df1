"""What POST /train takes, and the recipe that it comes to for a data set."""

from collections.abc import Iterator
from typing import Any

from pydantic import ConfigDict, Field

from app.http.problems import FieldProblem
from core.dataset_card import DatasetCard
from core.recipe import DEFAULT_PRESET, PRESETS, PROPOSED, AnyPreset, Knobs, Recipe
from jobs.record import Publish, TrainSpec


class TrainRequest(Knobs):
    """A training job: a preset, any knob of the recipe laid over it, and what to do with the result.

    Every field may be left out; the defaults shown are those of the preset `quality`.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"preset": "smoke"}, {"preset": "faithful", "epochs": 5, "seed": 7}]}
    )

    preset: AnyPreset = Field(
        DEFAULT_PRESET,
        description="The recipe to start from; without one an imported data set is trained as its card says: "
        "`proposed`.",
    )
    publish: Publish = Field(
        "auto",
        description="Whether the finished model becomes the active one; `auto`: unless it is worse by its scores.",
    )

    def for_folder(self) -> TrainSpec:
        """The job that this asks for, on a folder of IDX files. Raises ValidationError for knobs that clash."""
        preset = DEFAULT_PRESET if self.preset == PROPOSED else self.preset
        return self._spec(preset, PRESETS[preset].model_dump(), {})

    def for_imported(self, card: DatasetCard) -> TrainSpec:
        """The same on an imported data set, which is pinned: another one under its name changes nothing.

        Raises ValidationError for knobs that clash.
        """
        preset = self.preset if "preset" in self.model_fields_set else PROPOSED
        knobs = PRESETS[DEFAULT_PRESET if preset == PROPOSED else preset].model_dump()
        if knobs["classes"]:
            knobs["classes"] = len(card.class_names)
        if knobs["num_images"]:
            knobs["num_images"] = min(knobs["num_images"], card.train)
        if preset == PROPOSED and card.proposal:  # perhaps of another version, which knew other knobs
            knobs |= {name: value for name, value in card.proposal.recipe.items() if name in knobs}
        return self._spec(preset, knobs, {"dataset": card.name}, card.dataset_id)

    def _spec(
        self, preset: AnyPreset, knobs: dict[str, Any], dataset: dict[str, str], dataset_id: str | None = None
    ) -> TrainSpec:
        given = {name: getattr(self, name) for name in self.model_fields_set if name in knobs}
        recipe = Recipe.model_validate({**knobs, **given, **dataset})
        return TrainSpec(preset=preset, recipe=recipe, publish=self.publish, dataset_id=dataset_id)


def misfits(recipe: Recipe, card: DatasetCard) -> Iterator[FieldProblem]:
    """What of a recipe cannot be done on a data set."""
    classes, images = len(card.class_names), recipe.num_images or card.train
    if recipe.classes not in (0, classes):
        detail = f"the data set has {classes} classes; allowed: 0" + (f" and {classes}" if classes else "")
        yield FieldProblem(pointer="/classes", detail=detail, value=recipe.classes)
    if images > card.train:
        detail = f"the data set has {card.train} training images; allowed: up to {card.train}"
        yield FieldProblem(pointer="/num_images", detail=detail, value=images)
    elif recipe.images_per_step > images:
        detail = (
            f"one step takes batch_size * d_steps = {recipe.images_per_step} images, and the data set has {images}; "
            f"allowed: batch_size <= {images // recipe.d_steps}"
        )
        yield FieldProblem(pointer="/batch_size", detail=detail, value=recipe.batch_size)
