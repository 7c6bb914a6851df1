"""What the routes ask for while they answer: the model and judge that draw a query now, and the images of a picture."""

import asyncio
import secrets

from app.drawing.renderer import Drawn, Gone, Renderer
from app.drawing.sources import PickSource, PlaneSource, SeedSource, Source, UnknownClass, WalkSource
from app.http.problems import FieldProblem, not_accepted
from app.http.services import Services
from app.images.checkpoints import Checkpoint
from app.images.classes import wanted
from app.images.latent_texts import amounts_of, point_of
from app.images.picture import Picture
from app.images.query import GridQuery
from app.shelf.active import active_model
from core.access import ANYBODY, Caller
from models.directions import Directions
from models.folding import FoldedGenerator

NEW_SEEDS = 2**32  # short enough to read


def drawn_by(query: GridQuery, services: Services) -> tuple[str, str | None]:
    """The id of the model that draws a query now, and that of the judge if one picks the classes.

    Raises ModelNotFound, JudgeNotFound or CheckpointError.
    """
    model = query.model or active_model(services, query.dataset)
    services.shelf.folder(model)
    if not query.wants_classes:
        return model, None
    return model, services.renderer.judges.choose(services.renderer.models.card(model), query.judge)


def new_seed() -> int:
    """Draw a seed for a query that names none."""
    return secrets.randbelow(NEW_SEEDS)


async def directions_of(G: FoldedGenerator) -> Directions:
    """The directions of a generator, which a thread computes when they are asked for first."""
    if "directions" not in vars(G):
        await asyncio.to_thread(lambda: G.directions)
    return G.directions


async def render(
    picture: Picture,
    renderer: Renderer,
    gone: Gone,
    caller: Caller = ANYBODY,
    checkpoint: Checkpoint | None = None,
) -> Drawn:
    """Render a picture: uint8 [frames * n, H, W, C], frame by frame.

    `gone` tells whether the client has, as `Renderer.render` asks for it. `checkpoint` is the one that the picture's
    model names, where it names one. Raises ProblemError (422) for a class that the model cannot draw, Overloaded,
    ModelNotFound, JudgeNotFound, CheckpointError or ClientGone.
    """
    source: Source
    try:
        models = renderer.models
        G = await (checkpoint.generator(models) if checkpoint else models.get(picture.model))
        card = checkpoint.card if checkpoint else models.card(picture.model)
        classes = wanted(picture, card)
        change = (
            picture.truncation,
            (await directions_of(G)).step(amounts_of(picture.nudge)) if picture.nudge else None,
        )
        if picture.walk:
            source = WalkSource(G, picture.n, picture.frames, picture.walk, picture.start, classes, *change)
        elif picture.at:
            source = PlaneSource(G, picture.n, point_of(picture.at), picture.start, classes, *change)
        elif picture.judge and classes:
            judge = await renderer.judges.of(card, picture.judge)
            source = PickSource(G, picture.n, picture.seed, picture.start, classes, judge)
        else:
            source = SeedSource(G, picture.n, picture.seed, picture.start, classes, *change)
        return await renderer.render(source, gone, None if caller is ANYBODY else caller.id)
    except UnknownClass as error:
        name, value = ("digit", picture.digit) if picture.class_ is None else ("class", picture.class_)
        fault = FieldProblem(parameter=name, detail=str(error), value=value)
        raise not_accepted([fault]) from error
