"""Two hosts with separate disks, one Redis and one store: what one of them begins, the other carries out and has."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access.key_file import write_keys
from access.key_record import NewKey
from core.access import Scope
from jobs.store import JobStore
from tests.chaos.golden import train_undisturbed, write_images
from tests.hosts.hosts import Hosts
from tests.hosts.machine import Machine
from tests.hosts.network import why_there_is_none
from tests.service import follow, wait_until
from tests.system.jobs import reach, read, reasons, send, submit, told
from tests.tiny import tiny_recipe
from tests.uploaded import archive

START_S = 180.0
KILLED_AFTER = 2  # epochs
EPOCHS = 12
RECIPE = tiny_recipe(epochs=EPOCHS, seed=5)
BODY = {**RECIPE.model_dump(), "preset": "smoke", "publish": "always"}
OPTIONS: dict[str, str | float] = {"lease_s": 3, "heartbeat_s": 0.2, "watchdog_s": 60, "stop_grace_s": 4}


@pytest.fixture(scope="module")
def key() -> NewKey:
    return NewKey.make("tests", Scope)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("datasets")
    write_images(folder)
    return folder


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, key: NewKey, datasets: Path) -> Iterator[Hosts]:
    """Both, with a store and a Redis that answer."""
    if reason := why_there_is_none():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("hosts")
    write_keys(folder / "keys.json", [key.record])
    with Hosts(folder, datasets_dir=str(datasets), keys_file=str(folder / "keys.json"), **OPTIONS) as running:
        running.redis.start()
        running.store.start()
        yield running


@pytest.fixture(autouse=True)
def begin_with_a_worker_on_b_alone(hosts: Hosts) -> None:
    if hosts.machines["a"].is_running("worker"):
        assert hosts.machines["a"].stop("worker")
    for name, part in (("b", "worker"), ("a", "api"), ("b", "api")):
        if not hosts.machines[name].is_running(part):
            hosts.machines[name].start(part)
    for machine in hosts.machines.values():
        wait_for_api(machine)


@pytest.fixture
def a(hosts: Hosts, key: NewKey) -> Iterator[httpx.Client]:
    with client(hosts.machines["a"], key) as http:
        yield http


@pytest.fixture
def b(hosts: Hosts, key: NewKey) -> Iterator[httpx.Client]:
    with client(hosts.machines["b"], key) as http:
        yield http


def test_a_host_dies_in_a_training_and_the_other_goes_on_to_the_same_bytes(
    hosts: Hosts, a: httpx.Client, b: httpx.Client, datasets: Path, tmp_path: Path
) -> None:
    job_id = submit(a, BODY)
    reach(a, job_id, KILLED_AFTER)
    wait_until(lambda: saved(hosts, job_id))
    samples = [one["href"] for one in a.get(f"/jobs/{job_id}/samples").json()["data"]]
    assert content(a, samples[1]) == content(b, samples[1])

    hosts.machines["b"].kill()
    hosts.machines["a"].start("worker")
    model = follow(a, job_id, "succeeded")["model"]
    assert reasons(a, job_id) == ["created", "worker lost"]
    begun = [event["data"]["step"] for event in told(a, job_id) if event["type"] == "started"]
    assert begun[0] == 0 < begun[1]
    golden = train_undisturbed(tmp_path / "golden", RECIPE, datasets)
    assert a.get(f"/models/{model}").json()["card"]["sha256"] == golden.model

    hosts.machines["b"].start("api")
    wait_for_api(hosts.machines["b"])
    picture = f"/generate?model={model}&n=4&seed=1"
    wait_until(lambda: b.get("/models").json()["active"] == a.get("/models").json()["active"] == model)
    assert content(a, picture) == content(b, picture)
    assert content(a, samples[1]) == content(b, samples[1])


def test_images_that_came_to_one_host_are_trained_on_by_the_other(
    hosts: Hosts, a: httpx.Client, b: httpx.Client
) -> None:
    follow(a, send(a, archive(images=64), name="noise"), "succeeded")
    job_id = submit(a, {**BODY, "dataset": "noise", "epochs": 1})
    model = follow(a, job_id, "succeeded")["model"]
    for host in (a, b):
        wait_until(lambda host=host: host.get(f"/models/{model}").status_code == 200)
    assert content(a, "/datasets/noise/preview.png") == content(b, "/datasets/noise/preview.png")
    assert content(a, f"/generate?model={model}&n=4&seed=1") == content(b, f"/generate?model={model}&n=4&seed=1")


def test_a_host_that_was_cut_off_changes_nothing_when_it_comes_back(
    hosts: Hosts, a: httpx.Client, b: httpx.Client
) -> None:
    job_id = submit(a, BODY)
    reach(a, job_id, KILLED_AFTER)
    wait_until(lambda: saved(hosts, job_id))
    hosts.network.cut("b")
    hosts.machines["a"].start("worker")
    follow(a, job_id, "succeeded")
    before = a.get(f"/jobs/{job_id}").json(), told(a, job_id), a.get("/models").json()["active"]
    hosts.network.mend("b")
    wait_until(lambda: f"job {job_id}: lost to another worker" in hosts.machines["b"].log("worker"), timeout_s=60)
    assert (a.get(f"/jobs/{job_id}").json(), told(a, job_id), a.get("/models").json()["active"]) == before
    wait_until(lambda: read(b, job_id)["status"] == "succeeded")
    assert hosts.machines["a"].stop("worker")
    follow(a, submit(a, {**BODY, "epochs": 1}), "succeeded")  # and it works on


def client(machine: Machine, key: NewKey) -> httpx.Client:
    return httpx.Client(base_url=machine.base, headers={"Authorization": f"Bearer {key.text}"}, timeout=30)


def saved(hosts: Hosts, job_id: str) -> str | None:
    """What the job's record says is saved of its run."""
    return JobStore.of(hosts.machines["a"].settings).get(job_id).saved


def content(http: httpx.Client, path: str) -> tuple[bytes, str]:
    """The bytes and the tag of what is there."""
    answer = http.get(path).raise_for_status()
    return answer.content, answer.headers["etag"]


def wait_for_api(machine: Machine) -> None:
    """Wait until it answers; fail with its logs where it does not."""
    try:
        wait_until(lambda: machine.answers() or not machine.is_running("api"), START_S)
        assert machine.is_running("api")
    except AssertionError as error:
        raise AssertionError(machine.log("api")) from error
