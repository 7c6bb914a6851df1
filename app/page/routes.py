"""GET /, and the files of the page, which never change under their URLs."""

from hashlib import sha256
from pathlib import PurePosixPath

from fastapi import APIRouter, Request, Response

from app.http.negotiation import is_known
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from app.http.urls import url
from app.page.files import INDEX, MEDIA_TYPES, PageFiles

router = APIRouter(include_in_schema=False, route_class=StrictRoute)

_page = PageFiles.read()


@router.get("/")
async def get_page(request: Request) -> Response:
    """The page. Which files it has is asked each time; these are then in the browser's cache."""
    data = _page.index(url(""))
    headers = {"ETag": f'"{sha256(data).hexdigest()[:32]}"', "Cache-Control": "no-cache"}
    if is_known(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=MEDIA_TYPES[".html"], headers=headers)


@router.get("/ui/{digest}/{name:path}")
async def get_file(digest: str, name: str) -> Response:
    """A file of the page."""
    data = _page.files.get(name) if digest == _page.digest and name != INDEX else None
    if data is None:
        detail = f"the page of this version has no file {name!r} under {digest!r}; load the page again"
        raise ProblemError(ProblemType.NOT_FOUND, detail)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(data, media_type=MEDIA_TYPES[PurePosixPath(name).suffix], headers=headers)
