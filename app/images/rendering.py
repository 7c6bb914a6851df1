"""What a route asks of the server for a picture: the model and the judge that draw it now, and its images."""

import secrets
from collections.abc import Awaitable, Callable

from app.drawing.renderer import Drawn, Renderer
from app.drawing.scheduler import Overloaded
from app.drawing.sources import PickSource, SeedSource, Source, UnknownDigit, WalkSource
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, not_accepted
from app.http.services import Services
from app.images.picture import Picture
from app.images.query import GridQuery

NEW_SEEDS = 2**32  # a seed that the server draws is short enough to read


def drawn_by(query: GridQuery, services: Services) -> tuple[str, str | None]:
    """The ids of the model that draws a query now, and of the judge where one picks the digits.

    Raises ModelNotFound, JudgeNotFound or CheckpointError.
    """
    model = query.model or services.shelf.active()
    services.shelf.folder(model)
    return model, None if query.digit is None else services.renderer.judges.choose(model, query.judge)


def new_seed() -> int:
    """A seed for a query that names none."""
    return secrets.randbelow(NEW_SEEDS)


async def render(picture: Picture, renderer: Renderer, gone: Callable[[], Awaitable[bool]]) -> Drawn:
    """The images: uint8 [frames * n, H, W, C], frame by frame.

    `gone` says whether the client has gone. Raises ProblemError where they cannot be drawn, ModelNotFound,
    JudgeNotFound, CheckpointError or ClientGone.
    """
    G, digits = await renderer.models.get(picture.model), picture.digits
    source: Source
    try:
        if picture.walk:
            source = WalkSource(G, picture.n, picture.frames, picture.walk, picture.start, digits, picture.truncation)
        elif picture.judge and digits:
            judge = await renderer.judges.of(picture.model, picture.judge)
            source = PickSource(G, picture.n, picture.seed, picture.start, digits, judge)
        else:
            source = SeedSource(G, picture.n, picture.seed, picture.start, digits, picture.truncation)
        return await renderer.render(source, gone)
    except Overloaded as error:
        headers = {"Retry-After": str(error.retry_after_s)}
        raise ProblemError(ProblemType.OVERLOADED, str(error), headers=headers) from error
    except UnknownDigit as error:
        fault = FieldProblem(parameter="digit", detail=str(error), value=picture.digit)
        raise not_accepted([fault]) from error
