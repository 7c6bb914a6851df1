"""Numbers that are no longer finite end a run, or send it back once."""

import math

from torch import nn

from worker.training.errors import Diverged


def check_finite_means(means: dict[str, float], step: int) -> dict[str, float]:
    """The means themselves. Raises Diverged, naming the first that is NaN or infinite after `step`."""
    for name, value in means.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value}", step)
    return means


def check_finite_weights(networks: dict[str, nn.Module], step: int) -> None:
    """Raise Diverged for weights that are not finite after `step`.

    The last update comes after its losses were measured, and what is saved must be worth going back to.
    """
    for network, name, parameter in ((n, *found) for n in networks for found in networks[n].named_parameters()):
        if not parameter.isfinite().all():
            raise Diverged(f"weights {name} of {network} are not finite", step)
