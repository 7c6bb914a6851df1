"""A model is published once, wherever its supervisor dies and whoever holds the shelf."""

import fcntl

import httpx
import pytest

from tests.service import Service, children, follow, wait_until
from tests.system.jobs import SMOKE, digests, kinds, read, submit, unbroken

POINTS = [
    f"{kind}:{moment}" for kind in ("attempt", "shelf") for moment in ("before-fsync", "before-rename", "after-rename")
]
POINTS += ["publish:before-commit", "publish:after-commit", "publish:before-success"]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, str]]:
    """Digests of unbroken runs, by seed."""
    folder = tmp_path_factory.mktemp("published")
    return {1: unbroken(folder, {**SMOKE, "seed": 1})}


@pytest.mark.parametrize("point", POINTS)
def test_a_supervisor_that_dies_at_any_point_of_publishing_leaves_it_to_another(
    http: httpx.Client, impatient: Service, published: dict[int, dict[str, str]], point: str
) -> None:
    shipped = http.get("/models").json()["active"]
    for shelved in (impatient.folder / "shelf").glob("?" * 16):  # or nothing would be put there
        for file in shelved.iterdir():
            file.unlink()
        shelved.rmdir()
    crash_file = impatient.folder / "crash"
    crash_file.write_text(point)
    before = impatient.supervisor()
    job = follow(http, submit(http, {**SMOKE, "seed": 1, "publish": "always"}), "succeeded")
    assert not crash_file.exists()
    wait_until(lambda: before not in children(impatient.worker()))  # its end may be seen later than another's work
    assert digests(impatient, job["model"]) == published[1]
    assert http.get("/models").json()["active"] == job["model"]
    assert job["publication"]["active"]
    assert kinds(http, job["id"])[-2:] == ["publishing", "succeeded"]
    assert kinds(http, job["id"]).count("succeeded") == 1
    http.put("/models/active", json={"model": shipped}).raise_for_status()


def test_a_model_is_published_once_whoever_holds_the_shelf_lets_go(http: httpx.Client, impatient: Service) -> None:
    with (impatient.folder / "shelf" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        job_id = submit(http, {**SMOKE, "seed": 31, "publish": "auto"})
        wait_until(lambda: f"job {job_id}: left to the sweeper" in impatient.log("worker"), timeout_s=60)
        assert read(http, job_id)["status"] == "running"
        other = submit(http, {**SMOKE, "seed": 32})  # which needs no lock
        follow(http, other, "succeeded")
        wait_until(lambda: f"job {job_id}: published later" in impatient.log("worker"))
    follow(http, job_id, "succeeded")
    assert kinds(http, job_id).count("succeeded") == 1
