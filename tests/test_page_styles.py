"""The style sheets of the page: they are all loaded at once, so a class means one thing."""

import re
from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "page" / "style"
SHARED = "base.css"


def test_a_class_is_styled_in_one_sheet_or_shared_by_all() -> None:
    sheets = defaultdict(set)
    for path in FOLDER.glob("*.css"):
        for name in re.findall(r"\.([a-z][a-z0-9-]*)", path.read_text(encoding="utf-8")):
            sheets[name].add(path.name)
    assert {name: found for name, found in sheets.items() if len(found - {SHARED}) > 1 and SHARED not in found} == {}
