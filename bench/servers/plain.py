"""A FastAPI route that draws, as one writes it first."""

import sys

import uvicorn
from fastapi import FastAPI, Response

from bench.servers.modules import Digits, png

app, digits = FastAPI(), Digits()


@app.get("/generate")
def generate(n: int = 16) -> Response:
    """A grid."""
    return Response(png(digits.draw(n)), media_type="image/png")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
