"""Running means of what a step measures, kept on the device so that reading them is the only synchronisation."""

import torch
from torch import Tensor

NAMES = ("loss_d", "loss_g", "d_real", "d_fake")


class RunningMeans:
    """Sums of the four measured scalars and their count, in one tensor `sums` [5] that a training state can hold."""

    def __init__(self, device: torch.device) -> None:
        self.sums = torch.zeros(len(NAMES) + 1, device=device)

    def add(self, measured: Tensor) -> None:
        """Add one step's values, float32 [4] in the order of `NAMES`."""
        self.sums[:-1] += measured
        self.sums[-1] += 1

    def take(self) -> dict[str, float]:
        """The means by name since the last take; NaN where nothing was added. Starts anew."""
        *sums, count = self.sums.tolist()
        self.sums.zero_()
        return {name: total / count if count else float("nan") for name, total in zip(NAMES, sums, strict=True)}
