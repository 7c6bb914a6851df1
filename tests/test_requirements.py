"""requirements/ pins what constraints.txt does, with hashes, and leaves nothing out that the service needs."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("service", "up", "dev")
OF_ITS_OWN_INDEX = "torch"


def name_of(requirement: str) -> str:
    """The normalised name at its beginning."""
    (name,) = re.findall(r"^[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(path: Path) -> dict[str, str]:
    """Each package's version."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ \n]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name_of(name): version for name, version in pins}


def test_every_version_is_that_of_the_constraints_and_none_is_in_two_files() -> None:
    constraints = pinned(ROOT / "constraints.txt")
    found = [pair for name in FILES for pair in pinned(ROOT / "requirements" / f"{name}.txt").items()]
    assert sorted(found) == sorted(pair for pair in constraints.items() if pair[0] != OF_ITS_OWN_INDEX)


def test_every_package_has_hashes_and_nothing_else_is_named() -> None:
    for name in FILES:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        assert len(blocks) == len(pinned(ROOT / "requirements" / f"{name}.txt"))
        for block in blocks:
            assert re.fullmatch(r"[^\n]+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", block), block
        assert "://" not in text


def test_what_the_project_declares_is_in_the_file_of_its_use() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras, needed = project["project"]["optional-dependencies"], project["project"]["dependencies"]
    there: set[str] = set()
    for name, declared in (("service", needed), ("up", extras["up"]), ("dev", extras["dev"])):
        there |= pinned(ROOT / "requirements" / f"{name}.txt").keys()
        assert {name_of(one) for one in declared} - there <= {OF_ITS_OWN_INDEX}
