"""The two arguments of `train`: what is trained, and what the loop calls meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from core.recipe import Recipe
from core.run_dir import RunDir
from models.dcgan import Generator
from worker.training.data import Dataset
from worker.training.errors import BadData
from worker.training.events import Event
from worker.training.scorer import SCORE_EVERY, Measured


@dataclass(frozen=True)
class Task:
    """A recipe on a data set, where its run is on disk, and the device that computes it."""

    recipe: Recipe
    dataset: Dataset
    run_dir: RunDir
    device: torch.device
    command: str | None = None  # what was typed, for the cards; None for a job
    cuda_graph: bool = True  # a GPU, which must be torch's current one, launches each step as a whole

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch, of `passes` passes. Raises BadData where the data set is not enough for a step."""
        return self.steps_per_pass * self.recipe.passes

    @property
    def steps_per_pass(self) -> int:
        """Whole steps that the data set is enough for. Raises BadData where it is enough for none."""
        steps = len(self.dataset) // self.recipe.images_per_step
        if steps == 0:
            raise BadData(
                f"data set {self.recipe.dataset!r} holds {len(self.dataset)} images; one step takes "
                f"batch_size * d_steps = {self.recipe.images_per_step} of them"
            )
        return steps

    @property
    def total_steps(self) -> int:
        """Steps of the whole recipe. Raises BadData."""
        return self.steps_per_epoch * self.recipe.epochs


@dataclass(frozen=True)
class Callbacks:
    """How a run tells what happens, is stopped, and has its generators scored."""

    report: Callable[[Event], None]
    should_stop: Callable[[], bool]  # asked between two steps
    score: Callable[[Generator], Measured] | None = None
    score_every: int = SCORE_EVERY  # real images
