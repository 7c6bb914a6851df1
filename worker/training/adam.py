"""Adam (Kingma & Ba, 2014, arXiv:1412.6980), as torch computes it.

`torch.optim.Adam` loads torch's compiler when it is made, which nothing here uses: a second of each start. Its
functional form does not, and its state is plain tensors.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam:
    """Fused Adam over `parameters`, which are on one device."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, betas: tuple[float, float], eps: float) -> None:
        self._betas, self._eps = betas, eps
        self._parameters: list[Tensor] = list(parameters)
        device = self._parameters[0].device
        # Off the CPU a tensor: a recorded step reads it anew each time.
        self._rate: float | Tensor = lr if device.type == "cpu" else torch.tensor(lr, device=device)
        self._means = [torch.zeros_like(p) for p in self._parameters]
        self._squares = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self._parameters]

    def set_rate(self, lr: float) -> None:
        """Set the learning rate of the steps to come."""
        if isinstance(self._rate, Tensor):
            self._rate.fill_(lr)
        else:
            self._rate = lr

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter by its gradient, which must be there."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        adam(
            self._parameters,
            gradients,
            self._means,
            self._squares,
            [],
            self._steps,
            fused=True,
            amsgrad=False,
            beta1=self._betas[0],
            beta2=self._betas[1],
            lr=self._rate,
            weight_decay=0.0,
            eps=self._eps,
            maximize=False,
        )

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All that it remembers, under the names that torch gives them: `3/exp_avg` is of parameter 3."""
        slots = {"exp_avg": self._means, "exp_avg_sq": self._squares, "step": self._steps}
        return {f"{i}/{slot}": tensor for slot, tensors in slots.items() for i, tensor in enumerate(tensors)}
