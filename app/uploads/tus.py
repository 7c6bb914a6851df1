"""The protocol of resumable uploads, tus 1.0.0 (https://tus.io/protocols/resumable-upload): what its headers say."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from typing import Any

from fastapi import Request, Response

from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, not_accepted, shown
from core.uploads import Upload
from core.uploads import file_name as as_file_name

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
MEDIA_TYPE = "application/offset+octet-stream"
SPEAKS = {"Tus-Resumable": VERSION}
FILE_NAME = "filename"


class TusRoute(StrictRoute):
    """A route that refuses other versions of the protocol (412), and says in its answers which one it speaks."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Checked before anything else of a request is read."""
        handle = super().get_route_handler()

        async def handle_tus(request: Request) -> Response:
            version = request.headers.get("tus-resumable", VERSION)
            if version != VERSION and request.method != "OPTIONS":
                detail = f"Tus-Resumable is {version}; allowed: {VERSION}, or none"
                raise ProblemError(ProblemType.TUS_VERSION, detail, headers={"Tus-Version": VERSION} | SPEAKS)
            response = await handle(request)
            response.headers.update(SPEAKS)
            return response

        return handle_tus


def file_name(metadata: str | None) -> str | None:
    """The file's name in an `Upload-Metadata`, which has a key and, in base64, a value between commas.

    None without one, or for an empty one. Other keys are of no use here. Raises ProblemError (422) for one that cannot
    be read, or is no name.
    """
    for pair in (metadata or "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == FILE_NAME:
            try:
                text = b64decode(value.strip(), validate=True).decode()
            except ValueError as error:  # of either decoder
                raise _refused(f"the value of {FILE_NAME} is not a text in base64: {error}", metadata) from error
            try:
                return as_file_name(text) or None
            except ValueError as error:
                raise _refused(f"the value of {FILE_NAME}: {error}", metadata) from error
    return None


def _refused(detail: str, metadata: str | None) -> ProblemError:
    return not_accepted([FieldProblem(parameter="Upload-Metadata", detail=detail, value=shown(metadata))])


def described(upload: Upload) -> dict[str, str]:
    """The headers that say where an upload is."""
    headers = {"Upload-Offset": str(upload.offset), "Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}
    if upload.meta.length is not None:
        headers["Upload-Length"] = str(upload.meta.length)
    if upload.meta.file is not None:
        headers["Upload-Metadata"] = f"{FILE_NAME} {b64encode(upload.meta.file.encode()).decode()}"
    return headers
