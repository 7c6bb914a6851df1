"""The real service with its worker on the card: seconds to digits, a cancelled job's memory, a card without room."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import torch

from bench.gpu.findings import Findings, run_part
from tests.service import Service, follow, wait_until

LEFT_BYTES = 700_000_000  # of the card, beside a program that holds all else
HOLD = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(free - int(sys.argv[1]), dtype=torch.uint8, device="cuda")
print("held", flush=True)
sys.stdin.read()
"""
LARGE = {"preset": "quality", "batch_size": 8192, "g_filters": 256, "d_filters": 128, "publish": "never"}


def check(findings: Findings, device: torch.device, rehearse: bool) -> None:
    """Start the service, and ask it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Service(Path(folder), devices=str(device)) as service,
        httpx.Client(base_url=service.base, timeout=60) as http,
    ):
        _digits(findings, http, rehearse)
        _cancelled(findings, http, device)
        if not rehearse:
            with card_held():
                failed = _ended(http, LARGE)
            error = failed["error"] or {}
            findings.claim("a job that finds no memory fails as `oom`", error.get("type") == "oom", str(error)[:300])
        after = _ended(http, {"preset": "smoke", "publish": "never"})
        findings.claim("the worker goes on after that", after["status"] == "succeeded", f"smoke {after['status']}")


def _digits(findings: Findings, http: httpx.Client, rehearse: bool) -> None:
    table = findings.table("From `POST /train` to `succeeded`", "recipe", "seconds", "device", "the first 25 images")
    for preset in ("smoke",) if rehearse else ("smoke", "fast"):
        start = time.perf_counter()
        job = _ended(http, {"preset": preset, "publish": "always"})
        seconds = time.perf_counter() - start
        drawn = http.get("/generate", params={"n": 25, "seed": 1})
        table.rows.append(
            [preset, f"{seconds:.1f}", job["device"], f"HTTP {drawn.status_code}, {len(drawn.content)} bytes"]
        )
        findings.claim(f"{preset} succeeds", job["status"] == "succeeded", str(job["error"])[:300])


def _cancelled(findings: Findings, http: httpx.Client, device: torch.device) -> None:
    job = http.post("/train", json={"preset": "quality", "publish": "never"}).json()
    wait_until(lambda: (http.get(f"/jobs/{job['id']}").json()["progress"] or {}).get("step", 0) > 0, 60)
    http.post(f"/jobs/{job['id']}/cancel")
    memory = follow(http, job["id"], "cancelled", timeout_s=30)["memory"]
    freed = bool(memory) and memory["before_mb"] > 0 and memory["after_mb"] == 0
    findings.claim("cancel gives the memory of the device back", freed, str(memory))


def _ended(http: httpx.Client, request: dict[str, Any]) -> dict[str, Any]:
    job = http.post("/train", json=request).raise_for_status().json()
    return follow(http, job["id"], "succeeded", "failed", timeout_s=300)


@contextmanager
def card_held() -> Iterator[None]:
    """Another program holds the card's memory, but for `LEFT_BYTES`."""
    command = [sys.executable, "-c", HOLD, str(LEFT_BYTES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            yield
        finally:
            holder.stdin.close()


if __name__ == "__main__":
    run_part(check)
