"""The receiver in the documentation takes what is sent, and refuses what was changed."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from core.settings import Settings
from jobs.store import JobStore
from tests.programs import running
from tests.service import wait_until
from tests.webhooks.playing import EVENTS, cancelled, told
from webhooks.deliverer import Deliverer
from webhooks.outbox import WAITS_S
from webhooks.record import DeliveryStatus, Outcome
from webhooks.sending import TOTAL_S
from webhooks.store import MOST, WebhookStore
from webhooks.targets import PUBLIC_PORTS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text().split("\n## Webhooks\n")[1]


def test_the_receiver_of_the_documentation_works(
    settings: Settings, store: JobStore, webhooks: WebhookStore, deliverer: Deliverer
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    webhook = webhooks.create("anybody", url, EVENTS)
    command = [sys.executable, "-c", code.replace("9000", str(port))]
    own = os.environ | {"WEBHOOK_SECRET": webhook.secret}
    with running(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            wait_until(lambda: _listens(port))
            job_id = cancelled(store)
            assert deliverer.deliver_one()
            assert process.stdout.readline().startswith('{"type":"job.cancelled"')
            forged = {"webhook-id": "msg_x", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
            assert httpx.post(url, headers=forged, content=b"{}").status_code == 403
        finally:
            process.terminate()
    assert told(webhooks, job_id) == [("delivered", 1)]


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_words_and_numbers_are_those_of_the_code() -> None:
    assert all(f"`{word}`" in TEXT for word in [*Outcome, DeliveryStatus.FAILED, DeliveryStatus.DROPPED])
    waits = [60 * 60, 60, 1]
    shown = [
        next(f"{s // unit} {name}" for unit, name in zip(waits, ("h", "min", "s"), strict=True) if s >= unit)
        for s in WAITS_S
    ]
    assert ", ".join(shown[:-1]) + f" and {shown[-1]}" in " ".join(TEXT.split())
    assert f"{MOST} webhooks" in TEXT
    assert f"within {TOTAL_S:.0f} s" in TEXT
    assert all(str(port) in TEXT for port in PUBLIC_PORTS)
