"""What the routes ask for while they answer: the model and judge that draw a query now, and the images of a picture."""

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

NEW_SEEDS = 2**32  # short enough to read


def drawn_by(query: GridQuery, services: Services) -> tuple[str, str | None]:
    """The id of the model that draws a query now, and that of the judge if one picks the digits.

    Raises ModelNotFound, JudgeNotFound or CheckpointError.
    """
    model = query.model or services.shelf.active()
    services.shelf.folder(model)
    return model, None if query.digit is None else services.renderer.judges.choose(model, query.judge)


def new_seed() -> int:
    """Draw a seed for a query that names none."""
    return secrets.randbelow(NEW_SEEDS)


async def render(picture: Picture, renderer: Renderer, gone: Callable[[], Awaitable[bool]]) -> Drawn:
    """Render a picture: uint8 [frames * n, H, W, C], frame by frame.

    `gone` tells whether the client has disconnected. Raises ProblemError (422 for a digit that the model cannot draw,
    503 under overload), ModelNotFound, JudgeNotFound, CheckpointError or ClientGone.
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
