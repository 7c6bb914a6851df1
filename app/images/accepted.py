"""Which format an Accept header asks for."""

from collections.abc import Sequence

from app.http.negotiation import choose
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from app.images.formats import MEDIA_TYPES, Format


def accepted(accept: str, formats: Sequence[Format]) -> Format:
    """The format of these that `Accept` prefers. Raises ProblemError (406) where it takes none of them."""
    found = choose(accept, {name: MEDIA_TYPES[name] for name in formats})
    if found is None:
        allowed = ", ".join(MEDIA_TYPES[name][0] for name in formats)
        detail = f"Accept takes none of what there is: {accept}; allowed: {allowed}"
        raise ProblemError(ProblemType.NOT_ACCEPTABLE, detail)
    return found
