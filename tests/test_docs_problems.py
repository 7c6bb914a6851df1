"""docs/api.md has every type of problem with its status, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app.http.problem_types import TITLES, ProblemType

ROOT = Path(__file__).resolve().parents[1]


def test_every_type_of_problem_is_documented_with_its_status_and_no_other() -> None:
    errors = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split("## Errors")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d{3}) \| (.*?) \|", errors, re.MULTILINE)
    documented = [(word, int(status)) for status, words in rows for word in re.findall("`([a-z-]+)`", words)]
    assert sorted(documented) == sorted((kind.value, kind.status) for kind in ProblemType)


def test_every_type_has_a_title() -> None:
    assert {kind.status for kind in ProblemType} == TITLES.keys()


def test_every_type_is_in_use() -> None:
    used = {name for path in (ROOT / "app").rglob("*.py") for name in types_in(ast.parse(path.read_text()))}
    assert used >= set(ProblemType.__members__)


def types_in(tree: ast.AST) -> Iterator[str]:
    """The names behind `ProblemType.`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ProblemType":
            yield node.attr
