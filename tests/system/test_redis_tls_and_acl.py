"""The whole service by way of TLS, as a user of Redis that has no right but those that docs/scale.md names."""

import re
import subprocess
import sys
from pathlib import Path

from redis import Redis

from jobs.redis_rights import KEYS, names
from tests.in_process import bearer
from tests.parts import bare_redis, environment_of, parts_on
from tests.service import follow, wait_until
from tests.system.jobs import SMOKE, send
from tests.tls import Authority, tls_relay
from tests.uploaded import archive
from tests.webhooks.receiver import receiver

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "p@ss/w#rd"


def test_jobs_streams_imports_webhooks_keys_and_backups_need_no_other_rights(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    client = ours.issue("client")
    with (
        receiver() as hook,
        bare_redis(tmp_path, "--requirepass", PASSWORD) as port,
        Redis(port=port, password=PASSWORD, decode_responses=True) as admin,
        tls_relay(port, ours.issue("server", "127.0.0.1"), clients=ours.own.certificate) as secure,
    ):
        wait_until(admin.ping)
        admin.execute_command("ACL", "SETUSER", "service", "on", ">secret", *documented_rights())
        files = f"ssl_ca_certs={ours.own.certificate}&ssl_certfile={client.certificate}&ssl_keyfile={client.key}"
        url = f"rediss://service:secret@127.0.0.1:{secure}/0?{files}"
        settings = {"webhooks": "listed", "webhook_hosts": "127.0.0.0/8"}
        with parts_on(url, tmp_path / "var", **settings) as http:
            key = digitforge(url, tmp_path / "var", "keys", "create", "ops", "--scope", "admin").strip()
            wait_until(lambda: http.get("/jobs").status_code == 401)
            http.headers.update(bearer(key))
            http.post("/webhooks", json={"url": hook.url}).raise_for_status()
            job = http.post(
                "/train", json=SMOKE | {"publish": "always", "epochs": 1}, headers={"Idempotency-Key": "one"}
            ).json()
            stream = http.get(f"/jobs/{job['id']}/events", headers={"Accept": "text/event-stream"}, timeout=180)
            assert "event: succeeded" in stream.text
            follow(http, send(http, archive()), "succeeded")
            wait_until(lambda: len(hook.received) == 2)
            waits = http.post("/train", json=SMOKE).raise_for_status().json()["id"]
            for request in ("pause", "resume", "cancel"):
                http.post(f"/jobs/{waits}/{request}")
            follow(http, waits, "cancelled", "succeeded")
            http.delete(f"/jobs/{waits}").raise_for_status()
            assert http.get("/workers").json()["data"]
            assert "digitforge_redis_up 1" in http.get("/metrics").text
            digitforge(url, tmp_path / "var", "backup", str(tmp_path / "backup"))
        assert admin.acl_log() == []
        admin.flushall()
        digitforge(url, tmp_path / "restored", "restore", str(tmp_path / "backup"))
        assert admin.acl_log() == []


def documented_rights() -> list[str]:
    (line,) = re.findall(r"^ACL SETUSER digitforge on >PASSWORD (.*)$", (ROOT / "docs/scale.md").read_text(), re.M)
    return str(line).split()


def test_the_rights_in_the_document_are_those_that_each_start_asks_for() -> None:
    assert sorted(documented_rights()) == sorted([*(f"~{key}" for key in KEYS), *(f"+{name}" for name in names())])


def digitforge(url: str, data_dir: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "cli.main", *arguments]
    return subprocess.run(command, env=environment_of(url, data_dir), check=True, capture_output=True, text=True).stdout
