"""The shelf is damaged, or locked by another process."""

import fcntl
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.service import Service, follow
from tests.system.jobs import submit


def test_a_damaged_shelf_is_a_problem_and_not_the_end(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        model = follow(http, submit(http, {"preset": "smoke", "publish": "never"}), "succeeded")["model"]
        weights = own_service.folder / "shelf" / model / "generator.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1])
        refused = http.get(f"/generate?model={model}")
        assert (refused.status_code, refused.json()["type"]) == (503, "model-not-ready")
        assert http.put("/models/active", json={"model": model}).status_code == 503
        assert str(weights) in own_service.log("app")
        assert http.get("/generate").status_code == 200

        (own_service.folder / "shelf" / "active").write_bytes(b"\xff")  # nothing that the code foresees
        crashed = http.get("/generate")
        assert (crashed.status_code, crashed.json()["type"]) == (500, "internal")
        assert crashed.headers["content-type"] == "application/problem+json"
        crashed = http.post("/v1/images/generations", json={"prompt": "7"})
        assert (crashed.status_code, crashed.json()["error"]["type"]) == (500, "server_error")
        assert http.get("/healthz").status_code == 200


def test_the_api_answers_while_another_process_changes_the_active_model(service: Service, http: httpx.Client) -> None:
    active = http.get("/models").json()["active"]
    with (service.folder / "shelf" / ".lock").open("w") as lock, ThreadPoolExecutor(1) as client:
        fcntl.flock(lock, fcntl.LOCK_EX)
        put = client.submit(http.put, "/models/active", json={"model": active})
        assert httpx.get(f"{service.base}/generate").status_code == 200
        assert httpx.get(f"{service.base}/readyz").status_code == 200
        assert not put.done()
        refused = put.result()
        assert (refused.status_code, refused.json()["type"]) == (503, "shelf-busy")
        assert refused.headers["retry-after"]
    assert http.put("/models/active", json={"model": active}).status_code == 200
