"""docker-compose.many.yml fits what it extends, what it is proxied by, and what the tests run on."""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


# Compose's tag for a value that takes the place of the one that is extended.
yaml.SafeLoader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.many.yml").read_text(encoding="utf-8"))


def of(kind: str) -> list[str]:
    return [name for name in COMPOSE["services"] if name.startswith(kind)]


def test_each_part_is_there_twice_with_a_disk_of_its_own() -> None:
    disks = [COMPOSE["services"][name]["volumes"] for name in (*of("api"), *of("worker"))]
    assert (len(of("api")), len(of("worker"))) == (2, 2)
    assert len({disk for (disk,) in disks}) == len(disks)


def test_only_the_proxy_is_reached_from_elsewhere() -> None:
    services = COMPOSE["services"]
    assert [name for name in services if services[name].get("ports")] == ["proxy"]
    assert all(services[name]["ports"] == [] for name in of("api"))  # those of the service that it extends
    assert COMPOSE["networks"]["private"]["internal"] is True


def test_what_does_not_extend_a_hardened_service_is_hardened() -> None:
    base = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["x-hardened"]
    for name, service in COMPOSE["services"].items():
        assert "extends" in service or {key: service.get(key) for key in base} == base, name


def test_the_proxy_knows_each_api() -> None:
    servers = re.findall(r"^    server (\S+) (\S+):8000$", (ROOT / "deploy/many/haproxy.cfg").read_text(), re.MULTILINE)
    assert servers == [(name, name) for name in of("api")]


def test_each_variable_is_a_setting() -> None:
    named = {
        name for part in ("x-store", "x-api") for name in {**COMPOSE[part], **COMPOSE[part].get("environment", {})}
    }
    ours = {name.removeprefix("DIGITFORGE_").lower() for name in named if name.startswith("DIGITFORGE_")}
    assert ours
    assert ours <= set(Settings.model_fields)


def test_the_store_is_the_one_that_the_tests_run_on() -> None:
    pinned = (ROOT / "deploy/many/store.txt").read_text(encoding="utf-8").split("\n", 1)[1].strip()
    assert pinned in (ROOT / "requirements/dev.txt").read_text(encoding="utf-8")
