"""The documentation says what the code does."""

import re
from pathlib import Path

from core.recipe import PRESETS, Recipe
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def doc(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `DIGITFORGE_(\w+)`", doc("docs/settings.md"), re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_knob_is_documented_with_the_value_of_each_preset() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", doc("docs/training.md"), re.MULTILINE))
    assert set(rows) >= set(Recipe.model_fields)
    table = doc("docs/training.md").split("## Presets")[1].split("## Knobs")[0]
    shown = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    for name in Recipe.model_fields:
        values = [getattr(recipe, name) for recipe in PRESETS.values()]
        if len(set(values)) > 1:
            assert shown[name] == " | ".join(_as_shown(value) for value in values), name


def _as_shown(value: object) -> str:
    match value:
        case None:
            return "all"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def test_the_tree_in_the_readme_is_the_tree() -> None:
    block = doc("README.md").split("## The tree")[1].split("```")[1]
    shown, folder = set(), ""
    for line in block.strip().splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        if indent == 0:
            folder = name
            shown.add(name)
        else:
            shown.add(folder + name)
    for path in shown:
        assert (ROOT / path).exists(), f"{path} is in the README's tree but not in the repository"
    for room in ("app", "core", "worker", "models", "cli"):
        for file in (ROOT / room).glob("*.py"):
            if not file.name.startswith("__"):
                assert f"{room}/{file.name}" in shown, f"{room}/{file.name} is not in the README's tree"


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for file in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).exists(), f"{file.name} links to {target}"


def test_every_promise_of_reliability_names_a_test_that_is_there() -> None:
    table = (ROOT / "docs" / "reliability.md").read_text().partition("\n## Any calls")[0]
    named = re.findall(r"^\|.*\| `(test_\w+)` \|$", table, re.MULTILINE)
    assert len(named) == len(re.findall(r"^\|", table, re.MULTILINE)) - 2  # all lines but the head
    there = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in named if f"def {name}(" not in there] == []
