"""BentoML with adaptive batching; runs in an environment with bentoml."""

import os
import sys
from typing import Annotated

import bentoml
import numpy as np
from PIL import Image

from bench.servers.modules import Digits


@bentoml.service(workers=1, traffic={"timeout": 60})
class Drawer:
    """One forward pass for all requests of a batch."""

    def __init__(self) -> None:
        self.digits = Digits()

    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=5000)  # type: ignore[untyped-decorator,unused-ignore]
    def draw(self, sizes: np.ndarray) -> list[np.ndarray]:
        """Draw for all, and cut."""
        numbers = sizes.reshape(-1)
        return np.split(self.digits.draw(int(numbers.sum())), np.cumsum(numbers)[:-1])


@bentoml.service(workers=1, traffic={"timeout": 60})
class Front:
    """Takes requests one by one, and makes the pictures."""

    drawer = bentoml.depends(Drawer)

    @bentoml.api(route="/generate")  # type: ignore[untyped-decorator,unused-ignore]
    async def generate(self, n: int) -> Annotated[Image.Image, bentoml.validators.ContentType("image/png")]:
        """A grid."""
        (images,) = await self.drawer.to_async.draw(np.array([n]))
        side = int(n**0.5)
        grid = np.asarray(images, np.uint8).reshape(side, side, 28, 28).swapaxes(1, 2)
        return Image.fromarray(grid.reshape(28 * side, 28 * side))


if __name__ == "__main__":
    command = [sys.executable, "-m", "bentoml", "serve", "bench.servers.bentoml_peer:Front", "--port", sys.argv[1]]
    os.execv(sys.executable, command)
