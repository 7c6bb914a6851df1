"""The OpenAPI document: what FastAPI makes of the routes, and what it cannot know.

That is the media type of problems, If-None-Match, and which operation needs a key with which scope.
"""

from typing import Any

from fastapi import FastAPI

from app.http.problem_types import TITLES
from app.http.problems import MEDIA_TYPE, Problem
from app.http.scopes import OPEN, scope_of

IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "ETags of earlier answers: 304 where one of them still holds.",
}
REQUEST_ID = {
    "description": "The id of the request: the client's own if it sent a sane one.",
    "schema": {"type": "string", "pattern": "^[0-9A-Za-z._~+/=:@-]{1,128}$"},
}
KEY = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "df_<id>_<secret>",
    "description": "Where the service asks for keys. `digitforge keys create` makes one.",
}
PROBLEM = f"#/components/schemas/{Problem.__name__}"


def describe(app: FastAPI) -> None:
    """Let `app` answer this document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = FastAPI.openapi(app)
            _name_media_type(document)
            _tell_of_etags(document)
            _tell_of_keys(document)
            _tell_of_request_ids(document)
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


def _tell_of_etags(document: dict[str, Any]) -> None:
    """A route that may answer 304 takes If-None-Match."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "304" in operation["responses"]:
                operation.setdefault("parameters", []).append(IF_NONE_MATCH)


def _tell_of_keys(document: dict[str, Any]) -> None:
    """Each operation says which scope its key needs, that a service without keys asks for none, and what is refused."""
    document["components"].setdefault("securitySchemes", {})["key"] = KEY
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needed = scope_of(method.upper(), path)
            operation["security"] = [] if needed is OPEN else [{"key": [needed]}, {}]
            for status in () if needed is OPEN else (401, 403, 429):
                error = operation["responses"]["default"]["content"]
                operation["responses"].setdefault(str(status), {"description": TITLES[status], "content": error})


def _tell_of_request_ids(document: dict[str, Any]) -> None:
    """Every answer has one."""
    document["components"]["headers"] = {"X-Request-ID": REQUEST_ID}
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                response.setdefault("headers", {})["X-Request-ID"] = {"$ref": "#/components/headers/X-Request-ID"}
