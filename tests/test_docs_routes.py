"""docs/api.md has every route and every parameter of its URL, with bounds and default, and no other."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from app.main import create_app
from core.settings import Settings

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
DOCUMENT = create_app(Settings()).openapi()
ROUTE = "(?:GET|POST|PUT|PATCH|DELETE|OPTIONS) /[^ `\\n]*"
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def test_every_route_has_a_heading_or_a_row_and_no_other_has() -> None:
    overview = TEXT.split("## The other routes")[1].split("\n## ")[0]
    shown = re.findall(f"^## ({ROUTE})$", TEXT, re.MULTILINE) + re.findall(
        f"^\\| `({ROUTE})` \\|", overview, re.MULTILINE
    )
    assert sorted(shown) == sorted(OPERATIONS)


def test_every_parameter_of_a_url_has_a_row_with_its_bounds_and_default() -> None:
    table = TEXT.split("## Parameters of the URL")[1].split("\n## ")[0]
    rows = [
        tuple(cell.strip() for cell in line.split("|")[1:5]) for line in table.splitlines() if line.startswith("| ")
    ]
    others = {route: operation for route, operation in OPERATIONS.items() if route != "GET /generate"}
    (of_neighbours,) = [operation for route, operation in others.items() if route == "GET /neighbours"]
    of_generate = OPERATIONS["GET /generate"]["parameters"]  # which has a table of its own
    own = [parameter for parameter in of_neighbours["parameters"] if parameter not in of_generate]
    others["GET /neighbours"] = {"parameters": own}
    assert sorted(rows[1:]) == sorted(expected_rows(others))


def expected_rows(operations: dict[str, Any]) -> list[tuple[str, ...]]:
    """Route, parameter, what is allowed, and the default. Where all paths agree on a parameter, one row is enough."""
    rows: list[tuple[str, ...]] = []
    in_paths: dict[str, dict[str, str]] = defaultdict(dict)
    for route, operation in operations.items():
        for parameter in operation.get("parameters", []):
            name, schema = parameter["name"], parameter["schema"]
            if parameter["in"] == "path":
                in_paths[name][route] = allowed_by(schema)
            elif parameter["in"] == "query":
                default = "required" if parameter.get("required") else default_of(schema)
                rows.append((f"`{route}`", f"`{name}`", allowed_by(schema), default))
    for name, found in in_paths.items():
        if len(set(found.values())) == 1:
            found = {f"all with `{{{name}}}`": next(iter(found.values()))}
        rows += [
            (route if " with " in route else f"`{route}`", f"`{name}`", allowed, "required")
            for route, allowed in found.items()
        ]
    return rows


def allowed_by(schema: dict[str, Any]) -> str:
    """What a schema allows, as the documentation writes it."""
    match schema:
        case {"$ref": reference}:
            return allowed_by(DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]])
        case {"anyOf": kinds}:
            return ", ".join(allowed_by(kind) for kind in kinds if kind != {"type": "null"})
        case {"enum": words}:
            return ", ".join(f"`{word}`" for word in words)
        case {"const": word}:
            return f"`{word}`"
        case {"minimum": least, "maximum": most}:
            return f"{least}..{most}"
        case {"type": "integer", "minimum": least}:
            return f"from {least}"
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"type": "string", "pattern": pattern}:
            return f"as `{pattern}`"
        case {"type": "string", "maxLength": most}:
            return f"up to {most} characters"
        case {"type": "string"}:
            return "any text"
    raise AssertionError(f"no words for {schema}")


def default_of(schema: dict[str, Any]) -> str:
    """The default, as the documentation writes it."""
    default = schema.get("default")
    match default:
        case None:
            return "none"
        case bool():
            return f"`{str(default).lower()}`"
        case str():
            return f"`{default}`"
    return f"{default:g}"
