"""A deployment that is backed up and restored says and draws the same as before."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from redis import Redis

from cli import data_files
from cli.archive import ArchiveWriter
from cli.main import main
from cli.redis_server import RedisServer
from core.access import Scope
from core.card import GENERATOR
from core.errors import StartError
from core.run_dir import JobDir
from core.settings import Settings
from core.uploads import Uploads
from core.version import VERSION
from tests.cli.deployments import answers, backed_up, fill, restored
from tests.hand_worker import Attempt, submit
from tests.in_process import Api, add_key, client_with, served
from tests.tiny import save_tiny
from tests.uploaded import tree


@pytest.fixture
def api(tmp_path: Path, redis_apart: Redis, url_apart: str) -> Iterator[Api]:
    with served(settings(tmp_path / "before", url_apart)) as api:
        yield api


def settings(folder: Path, redis_url: str) -> Settings:
    return Settings(data_dir=folder, redis_url=redis_url, webhooks="listed", webhook_hosts="127.0.0.1")


@contextmanager
def again_from(folder: Path) -> Iterator[Api]:
    """An API on what was restored."""
    with RedisServer(folder / "redis") as server, served(settings(folder, server.url)) as api:
        yield api


def test_the_same_urls_give_the_same_answers_and_what_ran_goes_on(api: Api, tmp_path: Path) -> None:
    jobs, after = fill(api, tmp_path), tmp_path / "after"
    before = answers(api.http, jobs)
    told = restored(backed_up(api.services.settings), after)
    assert (told.jobs, told.given_back) == (len(jobs), [jobs["running"]])
    with again_from(after) as again:
        found = answers(again.http, jobs)
        assert {path: answer[0] for path, answer in found.items()} == {path: one[0] for path, one in before.items()}
        running = f"/jobs/{jobs['running']}"
        changed = {"/jobs?limit=100", running, f"{running}/events?format=json&limit=1000"}
        assert {path for path, answer in before.items() if answer != found[path]} == changed
        assert submit(again.http, {"preset": "smoke", "seed": 1}, **{"Idempotency-Key": "first"}) == jobs["succeeded"]

        attempt = Attempt(again.services, jobs["running"])
        first = JobDir(again.services.settings.runs_dir, jobs["running"]).attempt(1)
        assert attempt.claim.job.attempt == 2
        assert attempt.run.sample(1).read_bytes() == first.sample(1).read_bytes()
        attempt.epoch(2)
        assert attempt.succeed().status == "succeeded"
        again.http.post(f"/jobs/{jobs['paused']}/resume").raise_for_status()
        imported = again.services.store.claim_oldest("import")
        assert imported is not None
        assert Uploads(again.services.settings.uploads_dir).get(imported.job.importing.upload).is_complete


def test_models_arrived_and_were_deleted_when_they_were(api: Api, tmp_path: Path) -> None:
    shelf, on_disk = api.services.shelf, api.services.settings.shelf_dir
    for seed in (1, 2):
        save_tiny(tmp_path / str(seed), seed)
    kept, deleted = (shelf.add(tmp_path / name).model_id for name in ("1", "2"))
    shelf.delete(deleted)
    os.utime(on_disk / kept, (0, 1_600_000_000.5))
    os.utime(on_disk / "deleted" / deleted, (0, 1_700_000_000))
    said = api.http.get(f"/models/{deleted}").json()["detail"]
    assert said.endswith("was deleted at 2023-11-14T22:13:20Z")
    restored(backed_up(api.services.settings), tmp_path / "after")
    with again_from(tmp_path / "after") as again:
        assert again.services.shelf.arrived_at(kept) == 1_600_000_000.5  # which says how long it stays
        assert again.http.get(f"/models/{deleted}").json()["detail"] == said


def test_attempts_share_their_files_in_the_archive_and_on_disk(api: Api, tmp_path: Path) -> None:
    job_id, settings = submit(api.http), api.services.settings
    first = Attempt(api.services, job_id)
    first.epoch(1)
    before = len(backed_up(settings))
    api.services.store.release(first.claim)
    Attempt(api.services, job_id)
    archive = backed_up(settings)
    assert len(archive) < before + 30_000
    restored(archive, tmp_path / "after")
    runs = [JobDir(root / "runs", job_id) for root in (settings.data_dir, tmp_path / "after")]
    assert tree(runs[0].folder) == tree(runs[1].folder)
    weights = [runs[1].attempt(number).checkpoint(1) / GENERATOR for number in (1, 2)]
    assert weights[0].samefile(weights[1])


def test_an_attempt_that_the_record_does_not_tell_of_yet_stays_behind(api: Api, tmp_path: Path) -> None:
    job_id, settings = submit(api.http), api.services.settings
    run = Attempt(api.services, job_id).run
    shutil.copytree(run.folder, run.folder.with_name("attempt-002"))
    restored(backed_up(settings), tmp_path / "after")
    assert {path.name for path in JobDir(tmp_path / "after" / "runs", job_id).folder.iterdir()} == {"attempt-001"}


def test_what_is_half_written_locks_links_and_logs_are_left_out(api: Api, tmp_path: Path) -> None:
    root = api.services.settings.data_dir
    for folder in ("shelf/.tmp-1", "redis", "logs"):
        (root / folder).mkdir()
        (root / folder / "file").write_text("left out")
    (root / "shelf" / "link").symlink_to("/etc/passwd")
    (root / "shelf" / ".lock").touch()
    os.mkfifo(root / "pipe")
    (root / "kept").write_text("whatever is kept here later")
    restored(backed_up(api.services.settings), tmp_path / "after")
    found = {path for path in tree(tmp_path / "after") if not path.startswith("redis")}
    assert found == {"up.lock", "schema", "kept"}


def test_a_log_is_taken_as_long_as_it_was_and_what_vanishes_is_left_out(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = fill(api, tmp_path)
    run = JobDir(api.services.settings.runs_dir, jobs["running"]).attempt(1)
    log, checkpoint, opened, add = run.trainer_log, run.checkpoint(1), data_files._open, ArchiveWriter.add

    def open_late(path: Path) -> IO[bytes]:
        if path.name == GENERATOR and path.parent == checkpoint and checkpoint.exists():
            shutil.rmtree(checkpoint)
        return opened(path)

    def add_late(self: ArchiveWriter, path: str, *arguments: Any) -> Any:
        if path.endswith(log.relative_to(run.folder.parents[1]).as_posix()):
            with log.open("a") as more:
                more.write("more\n" * 100_000)
        return add(self, path, *arguments)

    said = log.read_text()
    monkeypatch.setattr(data_files, "_open", open_late)
    monkeypatch.setattr(ArchiveWriter, "add", add_late)
    restored(backed_up(api.services.settings), tmp_path / "after")
    copy = JobDir(tmp_path / "after" / "runs", jobs["running"]).attempt(1)
    assert copy.trainer_log.read_text() == said
    assert not copy.checkpoint(1).exists()
    assert copy.sample(1).exists()


def test_keys_open_what_they_opened_and_webhooks_are_still_told(api: Api, tmp_path: Path) -> None:
    """With an outbox that has something to send, labels on a model, and use that was counted."""
    own = add_key(api, Scope.GENERATE, Scope.JOBS_READ, Scope.JOBS_WRITE, images_per_day=100)
    other, admin = add_key(api, Scope.JOBS_READ), add_key(api, Scope.ADMIN)
    texts = {"own": own, "other": other, "admin": admin, "none": None, "wrong": f"{own[:-1]}x"}

    def seen(api: Api) -> dict[str, tuple[int, bytes]]:
        found = {}
        for name, text in texts.items():
            with client_with(api, text) as http:
                for path in (f"/jobs/{job_id}", "/jobs", "/webhooks", "/usage", "/keys", f"/jobs/{job_id}/deliveries"):
                    answer = http.get(path, headers={"X-Request-ID": "the-same"})
                    found[f"{name} {path}"] = answer.status_code, answer.content
        return found

    with client_with(api, own) as http:
        job_id = submit(http)
        hook = {"url": "http://127.0.0.1:9/digits"}
        http.post("/webhooks", json=hook).raise_for_status()
        http.post(f"/jobs/{job_id}/cancel").raise_for_status()
        http.get("/generate?n=4&seed=1").raise_for_status()
    label = {"labels": {"kept": "yes"}}
    with client_with(api, admin) as http:
        model = http.get("/v1/models").json()["data"][0]["id"]
        http.patch(f"/models/{model}", json=label).raise_for_status()
    before = seen(api)
    assert len({answer[0] for answer in before.values()}) > 2
    restored(backed_up(api.services.settings), tmp_path / "after")
    with again_from(tmp_path / "after") as again:
        assert seen(again) == before


def test_the_file_of_a_backup_appears_whole_or_not_at_all(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, now = tmp_path / "digitforge.tar", api.services.settings
    submit(api.http)
    before = set(tmp_path.iterdir())

    def digitforge(*arguments: str, redis_url: str = now.redis_url) -> int:
        monkeypatch.setattr(sys, "argv", ["digitforge", *arguments])
        monkeypatch.setenv("DIGITFORGE_REDIS_URL", redis_url)
        monkeypatch.setenv("DIGITFORGE_DATA_DIR", str(now.data_dir))
        return main()

    with pytest.raises(StartError, match="DIGITFORGE_REDIS_URL: "):
        digitforge("backup", str(file), redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(StartError, match="in DIGITFORGE_DATA_DIR, where each later backup would hold it"):
        digitforge("backup", str(now.data_dir / "runs" / "digitforge.tar"))
    assert set(tmp_path.iterdir()) == before
    assert digitforge("backup", str(file)) == 0
    assert capsys.readouterr().err.startswith("1 jobs as of 2")
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StartError, match="exists already; allowed: a new file"):
        digitforge("backup", str(file))
    with pytest.raises(StartError, match=r"it breaks off|it is damaged|it does not begin with"):
        digitforge("restore", os.devnull, "--data-dir", str(tmp_path / "after"), redis_url="")
    assert digitforge("restore", str(file), "--data-dir", str(tmp_path / "after"), redis_url="") == 0
    assert f"1 jobs and 0 files of a backup by {VERSION}" in capsys.readouterr().out
