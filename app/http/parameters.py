"""What the matched route takes, read from the route itself: its query parameters, and the fields of its body.

A query parameter that a route does not take is refused on every route. To ignore it would do something else than the
client wanted: `POST /train?preset=smoke` would train the default preset.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.http.guard import guarded
from app.http.problems import FieldProblem, not_accepted, shown
from core.validation import unknown_field


class StrictRoute(APIRoute):
    """A route that refuses query parameters that it does not take (422). The class of every router here."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Checked here, not in a dependency of the app, which would add a tenth to the time of a request."""
        handle, known = super().get_route_handler(), query_names(self)
        if _refuses_itself(self):
            return guarded(self, handle)

        async def handle_strictly(request: Request) -> Response:
            if request.scope["query_string"]:
                _refuse_unknown(request, known)
            return await handle(request)

        return guarded(self, handle_strictly)


def query_names(route: APIRoute) -> list[str]:
    """The query parameters of a route, those of its dependencies too."""
    names: list[str] = []
    for alias, annotation in _queries(route.dependant):
        model = _model_of(annotation)
        names += [field.alias or name for name, field in model.model_fields.items()] if model else [alias]
    return names


def query_model(route: APIRoute) -> type[BaseModel]:
    """The one model that is the query of a route. ValueError where its query is something else."""
    (model,) = (_model_of(annotation) for _, annotation in _queries(route.dependant))
    if model is None:
        raise ValueError(f"{route.path}: its query is no model")
    return model


def body_names(route: APIRoute, within: Sequence[str | int] = ()) -> list[str]:
    """The fields of a route's JSON body, or of a model in it at a path; none where there is no such one."""
    model = _model_of(route.body_field.field_info.annotation) if route.body_field else None
    for part in within:
        field = model.model_fields.get(str(part)) if model else None
        model = _model_of(field.annotation) if field else None
    return list(model.model_fields) if model else []


def _refuse_unknown(request: Request, known: list[str]) -> None:
    faults = [
        FieldProblem(parameter=name, detail=unknown_field(known), value=shown(value))
        for name, value in request.query_params.items()
        if name not in known
    ]
    if faults:
        raise not_accepted(faults)


def _refuses_itself(route: APIRoute) -> bool:
    """Whether its query is one model without room for others: that one names all that is wrong at once."""
    models = [_model_of(annotation) for _, annotation in _queries(route.dependant)]
    return [model.model_config.get("extra") for model in models if model] == ["forbid"] and len(models) == 1


def _queries(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    """Name and annotation of each query parameter."""
    for field in dependant.query_params:
        yield field.alias, field.field_info.annotation
    for needed in dependant.dependencies:
        yield from _queries(needed)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, or is besides None."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
