"""A recipe for a data set: what differs from the preset `quality`, and why.

Few images: differentiable augmentation (Zhao et al., 2020, arXiv:2006.10738), no classes where each has few, since
classes make G collapse then (Shahbazi et al., 2022, arXiv:2201.06578), small batches, a budget by images shown.
"""

from typing import Any

from core.cost import minutes, multiply_adds
from core.image_shape import ImageShape
from core.import_report import Proposal
from core.recipe import PRESETS

FEW_IMAGES = 2000
VERY_FEW_IMAGES = 500
FEW_A_CLASS = 500
EPOCH_IMAGES = 10_000
KIMG, KIMG_OF_FEW = 1200, 300
PATIENCE = 15  # epochs: half of the run, so that the falling rates of its second half have their say
QUALITY = PRESETS["quality"]


def propose(shape: ImageShape, train: int, classes: int) -> Proposal:
    """The knobs for `train` images of this shape in so many classes, 0 for none."""
    recipe: dict[str, Any] = {}
    reasons: dict[str, str] = {}

    def knob(name: str, value: Any, reason: str) -> None:
        if value != getattr(QUALITY, name, None):
            recipe[name], reasons[name] = value, reason

    few = train < FEW_IMAGES
    if not classes:
        knob("classes", 0, "The images have no classes.")
    elif train < FEW_A_CLASS * classes:
        knob("classes", 0, f"{train // classes} images a class are few; G would repeat itself if told the class.")
    else:
        knob("classes", classes, f"The images have {classes} classes, with {train // classes} images each on average.")
    batch = 16 if train < VERY_FEW_IMAGES else 32 if few else QUALITY.batch_size
    while batch > train:
        batch //= 2
    knob("batch_size", batch, f"{train} images: small batches give more steps.")
    passes = max(1, round(EPOCH_IMAGES / train))
    if passes > 1:
        knob("passes", passes, f"So that an epoch shows about {EPOCH_IMAGES:,} images, not {train}.")
    kimg = KIMG_OF_FEW if few else KIMG
    epochs = max(1, round(kimg * 1000 / (train * passes)))
    knob("epochs", epochs, f"So that D sees about {kimg},000 real images.")
    if few:
        knob("augment", "diffaugment", f"With {train} images D would learn them by heart.")
        knob("patience", PATIENCE, "So that the run ends once the scores no longer improve.")
    layers = min(4, shape.stages + 1)
    knob("d_layers", layers, f"So that D sees the whole of {shape.side} pixels.")
    filters = 128 >> (shape.stages - 1)
    knob("g_filters", filters, f"128 channels at {shape.base}x{shape.base} pixels, half as many at each larger side.")
    z_width = QUALITY.z_dim + recipe.get("classes", QUALITY.classes)
    work = multiply_adds(shape, filters, QUALITY.d_filters, layers, z_width)
    estimate = minutes(work, epochs * passes * train / 1000, batch)
    return Proposal(recipe=recipe, reasons=reasons, minutes=round(estimate, 1))
