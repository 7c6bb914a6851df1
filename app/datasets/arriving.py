"""A file of images on its way in: a body, or an upload that is here already. Only its first bytes are looked at."""

import shutil
from functools import partial

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool

from app.datasets.digests import check_digest
from app.http.dependencies import content_type
from app.http.guard import caller_of
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, not_accepted
from app.http.services import Services
from app.uploads.own import own_upload
from app.uploads.receiving import batches, dropped_on_error
from core.import_kinds import HEAD_BYTES, HINTS, sniff
from core.uploads import Upload

HOW = "send the file itself as the body, as `curl -X POST -T FILE` does"


async def take_body(request: Request, services: Services, file: str | None, announced: dict[str, str]) -> Upload:
    """A request's body as a complete upload of its caller. Where this raises nothing is left of it.

    Raises ProblemError for a body that is none, is hopeless, is too large for the disk or is not what was announced,
    UploadsFull, ShelfBusy, ClientGone, and OSError.
    """
    _check_headers(request, services)
    uploads = services.uploads
    length = int(request.headers.get("content-length", "0")) or None
    begin = partial(uploads.create, length, file, caller_of(request).id, is_body=True)
    begun = await run_in_threadpool(begin)
    async with dropped_on_error(services, begun.id):
        async with contextmanager_in_threadpool(uploads.append(begun.id, 0)) as writer:
            async for data in batches(request):
                if writer.offset == 0:
                    _refuse_hopeless(data[:HEAD_BYTES])
                await run_in_threadpool(writer.write, data)
                if length is None:  # it grows, and nothing is set apart for it
                    await run_in_threadpool(uploads.require_room)
        if writer.offset == 0:
            raise ProblemError(ProblemType.BAD_REQUEST, f"the request has no body; {HOW}, or name an `upload`")
        digest = writer.sha256
        assert digest is not None
        check_digest(announced, digest)
        return await run_in_threadpool(uploads.finish, begun.id, digest)


def take_upload(request: Request, services: Services, upload_id: str, announced: dict[str, str]) -> Upload:
    """An upload that is to be imported, and kept until it is.

    Raises UploadNotFound, UploadIncomplete, UploadBusy, and ProblemError as `take_body` does.
    """
    if int(request.headers.get("content-length", "0")) or "transfer-encoding" in request.headers:
        detail = "the request has a body too; allowed: one of them"
        raise not_accepted([FieldProblem(parameter="upload", detail=detail, value=upload_id)])
    upload = own_upload(services, caller_of(request), upload_id)
    if not upload.is_complete and upload.offset == upload.meta.length:
        services.uploads.finish(upload_id)
    upload = services.uploads.use(upload_id)
    assert upload.meta.sha256 is not None
    check_digest(announced, upload.meta.sha256)
    _refuse_hopeless(services.uploads.head(upload_id, HEAD_BYTES))
    return upload


def _check_headers(request: Request, services: Services) -> None:
    """Refuse what the headers say already, before anything is read."""
    kind = content_type(request)
    if kind.startswith("multipart/"):
        raise ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"the body's Content-Type is {kind}; {HOW}")
    length = int(request.headers.get("content-length", "0"))
    free = shutil.disk_usage(services.settings.data_dir).free
    if length > free:
        detail = f"the body has {length} bytes, and the server's disk has room for {free}"
        raise ProblemError(ProblemType.STORAGE_FULL, detail)


def _refuse_hopeless(head: bytes) -> None:
    hint = HINTS.get(sniff(head))
    if hint is not None:
        raise ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, hint)
