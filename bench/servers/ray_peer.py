"""Ray Serve with its dynamic batching; runs in an environment with ray[serve]."""

import os
import sys

import numpy as np
import ray
from fastapi import Request, Response
from ray import serve

from bench.servers.modules import Digits, png


@serve.deployment(max_ongoing_requests=100)  # type: ignore[untyped-decorator,unused-ignore]
class Drawer:
    """One forward pass for all requests of a batch."""

    def __init__(self) -> None:
        self.digits = Digits()

    @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.002)  # type: ignore[untyped-decorator,unused-ignore]
    async def draw(self, sizes: list[int]) -> list[np.ndarray]:
        """Draw for all, and cut."""
        return np.split(self.digits.draw(sum(sizes)), np.cumsum(sizes)[:-1])

    async def __call__(self, request: Request) -> Response:
        """A grid."""
        images = await self.draw(int(request.query_params["n"]))
        return Response(png(images), media_type="image/png")


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(include_dashboard=False, logging_level="warning", runtime_env={"working_dir": None})
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Drawer.bind(), route_prefix="/generate", blocking=True)  # type: ignore[attr-defined,unused-ignore]
