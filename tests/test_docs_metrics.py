"""docs/operations.md lists every metric with its type and labels, and no other."""

import multiprocessing
import re
from pathlib import Path

from prometheus_client import generate_latest
from redis import Redis

from cli.redis_server import RedisServer
from core.settings import Settings
from tests.app.metrics.reading import families
from tests.in_process import served
from worker.meters import WorkerMeters
from worker.metrics import WorkerCollector

TABLE = (Path(__file__).resolve().parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
ROW = r"^\| `(digitforge_\w+)` \| (\w+) \|(.*?)\|"


def test_every_metric_has_a_row_and_no_other_has(redis_server: RedisServer, redis: Redis, tmp_path: Path) -> None:
    rows = {
        name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in re.findall(ROW, TABLE, re.MULTILINE)
    }
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path, store_url=f"file://{tmp_path}/store")
    with served(settings) as api:
        api.http.get("/healthz")
        text = api.http.get("/metrics").text
    text += generate_latest(WorkerCollector(WorkerMeters(["cpu"]), multiprocessing.Event())).decode()
    told = {
        family.name: (family.type, {label for sample in family.samples for label in sample.labels} - {"le"})
        for family in families(text)
    }
    assert told == rows
