"""The documentation says what the code does."""

import re
from pathlib import Path

from core.recipe import PRESETS, Recipe
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("access", "app", "cli", "core", "jobs", "models", "objects", "sharing", "webhooks", "worker")
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *ROOT.glob("models/*/*.md"),
    *ROOT.glob("datasets/*/*.md"),
]


def doc(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `DIGITFORGE_(\w+)`", doc("docs/settings.md"), re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Settings.model_fields)


def test_the_settings_that_compose_passes_on_are_documented_and_each_limit_is_one() -> None:
    passed_on = set(re.findall(r"^    (DIGITFORGE_\w+):(?: #.*)?$", doc("docker-compose.yml"), re.MULTILINE))
    paragraph = doc("docs/settings.md").split("and passes on ")[1].split(". Others")[0]
    limits = {f"DIGITFORGE_{name.upper()}" for name in Settings.model_fields if name.startswith("limit_")}
    named = set(re.findall(r"`(DIGITFORGE_\w+)`", paragraph))
    assert passed_on == named | limits
    assert "`DIGITFORGE_LIMIT_...`" in paragraph


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


def test_the_tree_in_architecture_is_the_tree() -> None:
    block = doc("docs/architecture.md").split("\n## The tree\n")[1].split("```")[1]
    shown, folder = [], ""
    for line in block.strip().splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name.endswith("/") else ""
        shown.append(name if not line.startswith(" ") else folder + name)
    assert [path for path in shown if not (ROOT / path).exists()] == []
    there = {str(path.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob("[!_]*.py")}
    there |= {str(path.relative_to(ROOT)) for path in (ROOT / "page").rglob("*.*")}
    assert there - set(shown) == set()
    assert len(shown) == len(set(shown))


def test_the_rooms_in_the_readme_are_the_rooms() -> None:
    block = doc("README.md").split("\n## Rooms\n")[1].split("```")[1]
    rooms = {line.split()[0].removesuffix("/") for line in block.strip().splitlines()}
    assert [room for room in rooms if not (ROOT / room).is_dir()] == []
    assert rooms >= set(ROOMS)


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for file in DOCUMENTS:
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^):]*))?\)", file.read_text(encoding="utf-8")):
            there = file.parent / target if target else file
            assert there.exists(), f"{file.relative_to(ROOT)} links to {target}"
            assert not anchor or anchor in _anchors(there), f"{file.relative_to(ROOT)} links to {target}#{anchor}"


def test_every_decision_and_log_entry_is_in_the_list_of_its_folder() -> None:
    for folder in ("decisions", "log"):
        listed = re.findall(r"\]\(([^)/]+\.md)\)", doc(f"docs/{folder}/README.md"))
        there = {path.name for path in (ROOT / "docs" / folder).glob("*.md")} - {"README.md"}
        assert sorted(listed) == sorted(there)


def _anchors(file: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_risk_of_owasp_names_a_test_that_is_there() -> None:
    table = (ROOT / "docs" / "security.md").read_text().partition("OWASP API Security Top 10")[2]
    risks = re.findall(r"^\| API(\d+) .*\| `(test_\w+)` \|$", table, re.MULTILINE)
    assert [int(number) for number, _ in risks] == list(range(1, 11))
    there = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for _, name in risks if f"def {name}(" not in there] == []


def test_every_promise_of_reliability_names_a_test_that_is_there() -> None:
    table = (ROOT / "docs" / "reliability.md").read_text().partition("\n## Any calls")[0]
    named = re.findall(r"^\|.*\| `(test_\w+)` \|$", table, re.MULTILINE)
    assert len(named) == len(re.findall(r"^\|", table, re.MULTILINE)) - 2  # all lines but the head
    there = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in named if f"def {name}(" not in there] == []
