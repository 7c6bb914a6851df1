"""The OpenAPI document: what FastAPI makes of the routes, with problems under their own media type."""

from typing import Any

from fastapi import FastAPI

from app.problems import MEDIA_TYPE, Problem

PROBLEM = f"#/components/schemas/{Problem.__name__}"


def describe(app: FastAPI) -> None:
    """Let `app` answer this document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _name_media_type(FastAPI.openapi(app))
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _name_media_type(document: dict[str, Any]) -> None:
    """FastAPI documents every model under the media type of the route's own answers."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                for media_type, described in list(response.get("content", {}).items()):
                    if described.get("schema", {}).get("$ref") == PROBLEM:
                        response["content"] = {MEDIA_TYPE: response["content"].pop(media_type)}
