"""LitServe with its dynamic batching; runs in an environment with litserve."""

import sys
from typing import Any

import litserve
import numpy as np
from fastapi import Response

from bench.servers.modules import Digits, png


class Api(litserve.LitAPI):  # type: ignore[misc,unused-ignore]
    """One forward pass for all requests of a batch."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self.digits = Digits()

    def decode_request(self, request: dict[str, Any]) -> int:
        """How many images."""
        return int(request["n"])

    def batch(self, inputs: list[int]) -> list[int]:
        """Leave the numbers as they are."""
        return inputs

    def predict(self, x: list[int]) -> list[np.ndarray]:
        """Draw for all, and cut."""
        return np.split(self.digits.draw(sum(x)), np.cumsum(x)[:-1])

    def unbatch(self, output: list[np.ndarray]) -> list[np.ndarray]:
        """They are apart already."""
        return output

    def encode_response(self, output: np.ndarray) -> Response:
        """A grid."""
        return Response(png(output), media_type="image/png")


if __name__ == "__main__":
    api = Api(max_batch_size=16, batch_timeout=0.002, api_path="/generate")
    server = litserve.LitServer(api, accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
