"""The recipe of an experiment: every knob of a training run, and nothing about the machine that runs it.

A recipe is saved in the card of each checkpoint and is enough to run the experiment again. This module
imports no torch, so that the API can validate a recipe without paying for it.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from core.datasets import DatasetName

MAX_SEED = 2**53 - 1  # the largest integer that JSON carries exactly

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Augment = Literal["none", "translate", "cutout", "diffaugment"]
Norm = Literal["none", "batch"]
Precision = Literal["float32", "bfloat16"]
PresetName = Literal["faithful", "quality", "fast", "smoke"]

AnyPreset = Literal[PresetName, "proposed"]

DEFAULT_PRESET: PresetName = "quality"
PROPOSED: Literal["proposed"] = "proposed"  # what the card of an imported data set proposes, laid over the default


class Knobs(BaseModel):
    """Each knob by itself, with its bounds. The defaults are those of `DEFAULT_PRESET`.

    The networks and losses that they act on are in `models/dcgan.py` and `worker/training/losses.py`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    dataset: DatasetName = Field("mnist", description="Name of the data set.")
    num_images: int | None = Field(
        None, ge=2, le=10_000_000, description="Train on the first so many images; null takes all of them."
    )
    seed: Seed = Field(0, description="Seed of the initial weights, the shuffles and all noise.")

    classes: int = Field(
        10, ge=0, le=1000, description="Tell D and G the class of each image: how many labels there are; 0 is off."
    )

    epochs: int = Field(
        20, ge=1, le=10_000, description="Epochs; each ends with a sample, a checkpoint and a state to resume from."
    )
    passes: int = Field(
        1, ge=1, le=10_000, description="Passes over the images in an epoch, so that few images make fewer epochs."
    )
    patience: int = Field(
        0, ge=0, le=10_000, description="End when scores have not improved for so many epochs; 0 is off."
    )
    batch_size: int = Field(64, ge=2, le=8192, description="Real images per update of D.")
    d_steps: int = Field(1, ge=1, le=16, description="Updates of D per step, each on a fresh batch.")
    g_steps: int = Field(1, ge=1, le=16, description="Updates of G per step.")
    precision: Precision = Field(
        "float32",
        description="Arithmetic of the wide layers; bfloat16 rounds more, and is faster where hardware has it.",
    )

    lr_g: float = Field(8e-4, gt=0, le=1, description="Adam's learning rate for G.")
    lr_d: float = Field(8e-4, gt=0, le=1, description="Adam's learning rate for D.")
    lr_decay: float = Field(
        0.5, ge=0, le=1, description="Last share of the run, over which both learning rates fall to 0 in a line."
    )
    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's decay of the gradient's mean.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's decay of the gradient's square.")
    adam_eps: float = Field(1e-8, ge=1e-12, le=0.1, description="Adam's term against division by zero.")

    z_dim: int = Field(100, ge=1, le=1024, description="Dimensions of the latent z.")
    g_filters: int = Field(
        64, ge=1, le=512, description="Channels of G's last stage but one; each before it doubles them."
    )
    g_hidden_layers: int = Field(0, ge=0, le=8, description="Extra dense layers of G before its first stage.")
    g_hidden_units: int = Field(256, ge=1, le=4096, description="Width of each extra dense layer of G.")
    d_filters: int = Field(
        32, ge=1, le=512, description="Channels of D's first convolution; each next one doubles them."
    )
    d_layers: int = Field(
        3, ge=1, le=4, description="Convolutions of D; with 1 a max-pool follows, as in the Keras DCGAN tutorial."
    )
    d_norm: Norm = Field("none", description="Normalisation in D, after each convolution but the first.")
    dropout: float = Field(0.0, ge=0, le=0.95, description="Share of D's activations set to zero.")
    leaky_slope: float = Field(0.2, ge=0, lt=1, description="Slope of LeakyReLU below zero.")

    augment: Augment = Field("none", description="Augmentation of real and generated images alike before D.")
    label_smoothing: float = Field(0.0, ge=0, le=0.5, description="D's target for real images is 1 minus this.")
    r1_gamma: float = Field(0.2, ge=0, le=1000, description="Weight of the R1 gradient penalty on D; 0 is off.")
    ema_half_life_kimg: float = Field(
        10.0, ge=0, le=10_000, description="Half-life of the average of G's weights, in thousand images; 0 is off."
    )


class Recipe(Knobs):
    """Every knob of one training run, in values that go together."""

    @model_validator(mode="after")
    def _enough_images_for_one_step(self) -> Self:
        needed = self.batch_size * self.d_steps
        if self.num_images is not None and self.num_images < needed:
            raise PydanticCustomError(
                "too_few_images",
                "num_images is {num_images}, but one step takes batch_size * d_steps = {needed} images; "
                "allowed: num_images >= {needed}",
                {"num_images": self.num_images, "needed": needed, "field": "num_images"},
            )
        return self

    @model_validator(mode="after")
    def _no_penalty_through_batch_norm(self) -> Self:
        if self.r1_gamma > 0 and self.d_norm == "batch":
            raise PydanticCustomError(
                "penalty_through_batch_norm",
                "R1 needs a D that treats each image by itself, which d_norm = batch does not; "
                "allowed: r1_gamma = 0, or d_norm = none",
                {"r1_gamma": self.r1_gamma, "field": "r1_gamma"},
            )
        return self

    @property
    def images_per_step(self) -> int:
        """Real images that one step shows to D."""
        return self.batch_size * self.d_steps


_TUTORIAL: dict[str, Any] = {
    "classes": 0,
    "epochs": 30,
    "batch_size": 256,
    "lr_g": 1e-4,
    "lr_d": 1e-4,
    "lr_decay": 0.0,
    "beta1": 0.9,
    "adam_eps": 1e-7,
    "d_filters": 64,
    "d_layers": 1,
    "dropout": 0.3,
    "leaky_slope": 0.3,
    "r1_gamma": 0.0,
    "ema_half_life_kimg": 0.0,
}

_QUICK: dict[str, Any] = {  # sooner clear, and in the end less various
    "epochs": 2,
    "d_layers": 2,
    "d_norm": "batch",
    "r1_gamma": 0.0,
}

PRESETS: dict[PresetName, Recipe] = {
    "faithful": Recipe(**_TUTORIAL),
    "quality": Recipe(),
    "fast": Recipe(**_QUICK, g_filters=32, ema_half_life_kimg=5.0),
    "smoke": Recipe(**_QUICK, num_images=512, g_filters=8, d_filters=8, ema_half_life_kimg=0.25),
}


def with_preset(preset: PresetName, knobs: dict[str, Any]) -> dict[str, Any]:
    """The knobs of a preset with those in `knobs` laid over them, not yet validated."""
    return {**PRESETS[preset].model_dump(), **knobs}


GROUPS: dict[str, tuple[str, ...]] = {  # for a form with all knobs: each stands in one of them
    "data": ("dataset", "num_images", "classes", "augment"),
    "run": ("seed", "epochs", "passes", "patience", "batch_size", "d_steps", "g_steps", "precision"),
    "networks": (
        *("z_dim", "g_filters", "g_hidden_layers", "g_hidden_units"),
        *("d_filters", "d_layers", "d_norm", "leaky_slope"),
    ),
    "optimiser": ("lr_g", "lr_d", "lr_decay", "beta1", "beta2", "adam_eps"),
    "regularisation": ("dropout", "label_smoothing", "r1_gamma", "ema_half_life_kimg"),
}

ABOUT: dict[PresetName, str] = {
    "faithful": "The network and the run of the Keras DCGAN tutorial: classic, long, and without classes.",
    "quality": "The best images: D has three layers and the R1 penalty, which give variety.",
    "fast": "Clear digits in a tenth of the time, but less various.",
    "smoke": "A tiny run, to see that everything works. Its images are blots.",
}
