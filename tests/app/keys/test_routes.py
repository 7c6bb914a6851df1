"""/keys: make, list, rotate and revoke keys."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from access.key_file import write_keys
from access.key_record import NewKey
from access.required import MARKER
from app.http.services import Services
from core.access import Scope
from tests.app.http.test_errors import problem
from tests.in_process import Api, bearer, client_with, served


def make(http: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = http.post("/keys", json={"name": "gallery", "scopes": ["generate"]} | body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    made: dict[str, Any] = answer.json()
    return made


def listed(http: httpx.Client, key_id: str) -> dict[str, Any]:
    (found,) = [key for key in http.get("/keys").json()["data"] if key["id"] == key_id]
    return dict(found)


def status(api: Api, key: str) -> int:
    return client_with(api, key).get("/generate?n=1&seed=1").status_code


def test_a_key_lets_in_at_once_and_is_shown_once(keyed: Api) -> None:
    made = make(keyed.http, limits={"queued": 3})
    assert status(keyed, made["key"]) == 200
    shown = listed(keyed.http, made["id"])
    assert (shown["name"], shown["scopes"], shown["expires_at"]) == ("gallery", ["generate"], None)
    assert (shown["limits"]["queued"], shown["in_file"]) == (3, False)
    assert not {"key", "sha256", "previous_sha256"} & shown.keys()


def test_a_revoked_key_is_refused_at_once_and_is_gone(keyed: Api) -> None:
    made = make(keyed.http)
    assert keyed.http.delete(f"/keys/{made['id']}").status_code == 204
    assert status(keyed, made["key"]) == 401
    assert made["id"] not in keyed.http.get("/keys").text
    problem(keyed.http.delete(f"/keys/{made['id']}"), 404, "key-not-found")
    problem(keyed.http.post(f"/keys/{made['id']}/rotate"), 404, "key-not-found")


def test_a_rotated_key_keeps_its_id_and_its_old_text_for_a_while(keyed: Api) -> None:
    made = make(keyed.http, expires_s=3600)
    rotated = keyed.http.post(f"/keys/{made['id']}/rotate", json={"overlap_s": 60}).json()
    assert rotated["id"] == made["id"]
    assert [status(keyed, one["key"]) for one in (made, rotated)] == [200, 200]
    again = keyed.http.post(f"/keys/{made['id']}/rotate", json={"overlap_s": 0}).json()
    assert [status(keyed, one["key"]) for one in (made, rotated, again)] == [401, 401, 200]
    life = datetime.fromisoformat(again["expires_at"]) - datetime.fromisoformat(again["rotated_at"])
    assert life.total_seconds() == 3600


@pytest.mark.parametrize(
    ("body", "pointer", "allowed"),
    [
        ({"scopes": ["draw"]}, "/scopes/0", "'generate'"),
        ({"scopes": []}, "/scopes", "at least 1"),
        ({"name": ""}, "/name", "1 to 64 printable"),
        ({"name": "two\nlines"}, "/name", "1 to 64 printable"),
        ({"name": " x"}, "/name", "1 to 64 printable"),
        ({"name": "x" * 65}, "/name", "1 to 64 printable"),
        ({"expires_s": 5}, "/expires_s", "greater than or equal to 60"),
        ({"limits": {"queue": 3}}, "/limits/queue", "unknown field; allowed: requests_per_minute, "),
        ({"limits": {"queued": False}}, "/limits/queued", "valid integer"),
        ({"expires_s": "3600"}, "/expires_s", "valid integer"),
        ({"limits": {"queued": -1}}, "/limits/queued", "greater than or equal to 0"),
        ({"key": "df_mine"}, "/key", "unknown field"),
    ],
)
def test_a_wrong_field_is_named(keyed: Api, body: dict[str, Any], pointer: str, allowed: str) -> None:
    wanted = {"name": "gallery", "scopes": ["generate"]} | body
    (error,) = problem(keyed.http.post("/keys", json=wanted), 422, "invalid-parameter")["errors"]
    assert error["pointer"] == pointer
    assert allowed in error["detail"]


def test_from_the_first_key_on_a_service_asks_for_one(services: Services, tmp_path: Path) -> None:
    own = {"redis_url": f"{services.settings.redis_url.rpartition('/')[0]}/9", "data_dir": tmp_path}
    settings = services.settings.model_copy(update=own)
    with served(settings) as api:
        assert api.http.get("/jobs").status_code == 200
        made = make(api.http, scopes=["admin"])
        problem(api.http.get("/jobs"), 401, "key-required")
        admin = client_with(api, made["key"])
        assert admin.delete(f"/keys/{made['id']}").status_code == 204  # the last one
        problem(api.http.get("/jobs"), 401, "key-required")
    assert (tmp_path / MARKER).exists()
    with served(settings) as api:
        problem(api.http.get("/jobs"), 401, "key-required")


def test_keys_of_a_file_are_shown_and_changed_there_alone(services: Services, tmp_path: Path) -> None:
    new = NewKey.make("ops", [Scope.ADMIN], life=timedelta(days=1))
    write_keys(tmp_path / "keys.json", [new.record])
    own = {"keys_file": tmp_path / "keys.json", "data_dir": tmp_path / "var"}
    with served(services.settings.model_copy(update=own)) as api:
        problem(api.http.get("/jobs"), 401, "key-required")
        admin = client_with(api, new.text)
        assert listed(admin, new.record.id)["in_file"]
        problem(admin.delete(f"/keys/{new.record.id}"), 409, "key-in-file")
        problem(admin.post(f"/keys/{new.record.id}/rotate"), 409, "key-in-file")
        assert api.http.get("/jobs", headers=bearer(new.text)).status_code == 200
