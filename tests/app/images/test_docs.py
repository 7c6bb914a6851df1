"""docs/api.md says what /generate takes and answers."""

import re
from pathlib import Path

from app.images.formats import MEDIA_TYPES
from app.images.query import PARAMETERS, GridQuery

SECTION = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8").split("\n## GET /generate\n")[1]
ROW = re.compile(r"^\| `(\w+)` \|([^|]*)\|", re.MULTILINE)


def rows(head: str) -> dict[str, str]:
    """The first two cells of each row of a table, by its head."""
    table = SECTION.split("\n## ")[0].split(head)[1].split("\n\n")[0]
    return {name: cell.strip() for name, cell in ROW.findall(table)}


def test_every_parameter_is_documented_with_its_default_and_no_other() -> None:
    documented = rows("| parameter | default |")
    assert set(documented) == set(PARAMETERS.values())
    for name, field in GridQuery.model_fields.items():
        if field.default is not None:
            assert documented[PARAMETERS[name]].strip("`") == str(field.default).lower(), name


def test_every_format_is_documented_with_its_media_types_and_no_other() -> None:
    documented = rows("| `format` | media type |")
    assert documented == {name: ", ".join(f"`{kind}`" for kind in kinds) for name, kinds in MEDIA_TYPES.items()}
