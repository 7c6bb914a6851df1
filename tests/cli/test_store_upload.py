"""A deployment of one machine that goes on with a store says and draws the same, on another machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from cli.backup import write_all
from cli.redis_server import RedisServer
from core.errors import StartError
from core.settings import Settings
from core.startup import open_data_dir
from jobs import keys
from jobs.record import Claim
from jobs.store import JobStore
from models.notes import Notes
from objects.files import FileStore
from sharing.garbage import Collector
from sharing.moving import Move, Moved
from tests.cli.deployments import answers, fill, restored
from tests.hand_worker import run, submit
from tests.in_process import Api, served

OF_WHEN = ("etag", "last-modified")  # files of a run have these by their time on one machine, by content in a store


@pytest.fixture
def one_machine(tmp_path: Path, redis_apart: Redis, url_apart: str) -> Iterator[Api]:
    with served(alone(tmp_path / "before", url_apart)) as api:
        yield api


def alone(folder: Path, url: str) -> Settings:
    return Settings(data_dir=folder, redis_url=url)


def shared(api: Api, folder: Path, name: str = "before") -> Settings:
    return Settings(
        data_dir=folder / name, redis_url=api.services.settings.redis_url, store_url=f"file://{folder}/store"
    )


def move(settings: Settings) -> Moved:
    assert settings.store_url
    return Move(
        settings, FileStore(Path(settings.store_url.removeprefix("file://"))), JobStore.of(settings)
    ).carry_out()


def told(api: Api, jobs: dict[str, str]) -> dict[str, Any]:
    return {
        path: (status, body, {name: value for name, value in headers.items() if name not in OF_WHEN})
        for path, (status, body, headers) in answers(api.http, jobs).items()
    }


def test_what_one_machine_had_is_there_on_another(one_machine: Api, tmp_path: Path, redis_apart: Redis) -> None:
    jobs, services = fill(one_machine, tmp_path), one_machine.services
    owner = redis_apart.hget(keys.job_key(jobs["running"]), "owner")
    services.store.cancel(jobs.pop("import"))
    model = services.shelf.cards(1)[0].model_id
    services.shelf.change_notes(model, lambda _: Notes(labels={"good": ""}, note="sharp"))
    services.shelf.delete(services.shelf.cards(2)[1].model_id)
    with pytest.raises(StartError, match=f"job {jobs['running']} runs"):
        move(shared(one_machine, tmp_path))
    services.store.release(Claim(job=services.store.get(jobs["running"]), owner=str(owner)))
    before = told(one_machine, jobs)

    with pytest.raises(StartError, match="digitforge store upload"):
        open_data_dir(shared(one_machine, tmp_path))
    assert move(shared(one_machine, tmp_path)) == Moved(models=1, datasets=1, uploads=2, jobs=3, left_out=[])
    with pytest.raises(StartError, match="was moved to file:"):
        open_data_dir(services.settings)
    with pytest.raises(StartError, match=r"shelf\.json is there"):
        move(shared(one_machine, tmp_path))
    with served(shared(one_machine, tmp_path, "after")) as after:
        again = told(after, jobs)
    assert {path: one for path, one in again.items() if one != before[path]} == {}
    survey = Collector(FileStore(tmp_path / "store"), services.store, 0).survey()
    assert (survey.orphans, survey.missing, survey.unknown) == ([], [], [])

    # And back, by a backup, to one machine.
    with (tmp_path / "backup.tar").open("wb") as out:
        write_all(out, shared(one_machine, tmp_path, "after"), services.settings.redis_url)
    restored((tmp_path / "backup.tar").read_bytes(), tmp_path / "back")
    with RedisServer(tmp_path / "back" / "redis") as server, served(alone(tmp_path / "back", server.url)) as back:
        again = told(back, jobs)
    assert {path: one for path, one in again.items() if one != before[path]} == {}


class BrokenOff(FileStore):
    """Its process is killed when it names the models."""

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        if key == "shelf.json":
            raise KeyboardInterrupt
        super()._put_if(key, data, tag)


def test_an_upload_that_broke_off_is_done_again(one_machine: Api, tmp_path: Path) -> None:
    services, to = one_machine.services, shared(one_machine, tmp_path)
    job_id = submit(one_machine.http)
    model = run(services, job_id).model_id
    with pytest.raises(KeyboardInterrupt):
        Move(to, BrokenOff(tmp_path / "store"), services.store).carry_out()
    with pytest.raises(StartError, match="digitforge store upload"):
        open_data_dir(to)
    assert move(to) == Moved(models=1, datasets=0, uploads=0, jobs=1, left_out=[])
    collector = Collector(FileStore(tmp_path / "store"), services.store, 0)
    assert collector.collect().garbage  # of the first try
    survey = collector.survey()
    assert (survey.orphans, survey.missing, survey.unknown) == ([], [], [])
    with served(shared(one_machine, tmp_path, "after")) as after:
        assert after.http.get(f"/generate?model={model}&seed=1").status_code == 200
