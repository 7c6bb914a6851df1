"""The version stands in one place, and everything that names a version takes it from there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx

from core.version import VERSION

ROOT = Path(__file__).resolve().parents[1]


def test_the_package_takes_its_version_from_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "core.version.VERSION"}


def test_the_newest_release_in_the_changelog_and_the_citation_is_this_version() -> None:
    releases = re.findall(r"^## (\S+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert releases[0][0] == VERSION
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^(?:version|date-released): (.*)$", citation, re.MULTILINE) == list(releases[0])


def test_the_command_tells_its_version() -> None:
    command = [sys.executable, "-m", "cli.main", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"digitforge {VERSION}\n"


def test_a_running_service_tells_its_version(http: httpx.Client) -> None:
    assert http.get("/healthz").json() == {"status": "ok", "version": VERSION}
    assert http.get("/openapi.json").json()["info"]["version"] == VERSION
