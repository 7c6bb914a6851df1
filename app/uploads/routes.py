"""/uploads: files in as many parts as it takes. What was acknowledged survives a kill of either side."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool

from app.http.dependencies import ServicesDep, content_type
from app.http.guard import CallerDep, counted_upload
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.http.services import Services
from app.http.urls import url
from app.uploads.own import OwnUploadDep
from app.uploads.receiving import batches, dropped_on_error
from app.uploads.tus import EXTENSIONS, MEDIA_TYPE, VERSION, TusRoute, described, file_name
from app.uploads.views import UploadView
from core.uploads import Upload

router = APIRouter(prefix="/uploads", tags=["uploads"], route_class=TusRoute)

NO_CONTENT: dict[int | str, dict[str, Any]] = {204: {"description": "Done; the headers say where the upload is."}}
CONTENT = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
PART = {"requestBody": {"required": True, "content": CONTENT}}
FIRST_PART = {"requestBody": {"content": CONTENT}}


@router.options("", status_code=204)
def get_abilities(services: ServicesDep) -> Response:
    """What of the protocol is spoken here, and how large an upload may be."""
    most = str(services.settings.max_upload_bytes)
    return Response(
        status_code=204, headers={"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": most}
    )


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(counted_upload)],
    openapi_extra=FIRST_PART,
    responses=documented(400, 408, 412, 413, 415, 422, 429, 503, 507),
)
async def create(
    request: Request,
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    upload_length: Annotated[int, Header(ge=1, description="Bytes of the whole file.")],
    upload_metadata: Annotated[
        str | None, Header(max_length=4096, description="`filename`, a blank, and the file's name in base64.")
    ] = None,
) -> UploadView:
    """Begin an upload. Its parts go to the URL in `Location`; the first one may be this request's body."""
    _check_length(upload_length, services.settings.max_upload_bytes)
    has_body = content_type(request) == MEDIA_TYPE
    if not has_body and await request.body():
        raise _refused_type(request)
    named = file_name(upload_metadata)
    upload = await run_in_threadpool(services.uploads.create, upload_length, named, caller.id)
    if has_body:
        async with dropped_on_error(services, upload.id):  # its URL is in the answer alone
            upload = await _append(request, services, upload.id, 0)
    response.headers.update(described(upload) | {"Location": url(f"/uploads/{upload.id}")})
    return UploadView.of(upload)


@router.get("/{upload_id}", responses=documented(404, 412, 422, 503))
def get_upload(upload: OwnUploadDep, response: Response) -> UploadView:
    """Where an upload is: `Upload-Offset` is how much of it came."""
    response.headers.update(described(upload) | {"Cache-Control": "no-store"})
    return UploadView.of(upload)


@router.patch(
    "/{upload_id}",
    status_code=204,
    openapi_extra=PART,
    responses={**NO_CONTENT, **documented(400, 404, 408, 409, 412, 413, 415, 422, 423, 503, 507)},
)
async def append(
    upload: OwnUploadDep,
    request: Request,
    services: ServicesDep,
    upload_offset: Annotated[int, Header(ge=0, description="Where the body belongs: behind what came already.")],
) -> Response:
    """Send a part. What came of a connection that breaks is kept; ask for the offset and go on there."""
    if content_type(request) != MEDIA_TYPE:
        raise _refused_type(request)
    longer = await _append(request, services, upload.id, upload_offset)
    return Response(status_code=204, headers=described(longer))


@router.delete("/{upload_id}", status_code=204, responses=documented(404, 409, 412, 422, 503))
def delete(upload: OwnUploadDep, services: ServicesDep) -> None:
    """Remove an upload that nobody needs any more: while a job that imports it has not ended it stays."""
    users = list[str]()

    def is_used() -> bool:
        users[:] = services.store.importing(upload.id)
        return bool(users)

    if not services.uploads.delete_unless(upload.id, is_used):
        detail = f"upload {upload.id} is used by jobs that have not ended: {', '.join(sorted(users))}"
        raise ProblemError(ProblemType.UPLOAD_IN_USE, detail)


async def _append(request: Request, services: Services, upload_id: str, offset: int) -> Upload:
    """Write a request's body, and once that was the last part find out the digest of the whole."""
    async with contextmanager_in_threadpool(services.uploads.append(upload_id, offset)) as writer:
        async for data in batches(request):
            await run_in_threadpool(writer.write, data)
    upload = await run_in_threadpool(services.uploads.get, upload_id)
    if upload.offset == upload.meta.length:
        upload = await run_in_threadpool(services.uploads.finish, upload_id, writer.sha256)
    return upload


def _check_length(length: int, most: int) -> None:
    if length > most:
        detail = f"Upload-Length is {length} bytes; allowed: {most}"
        raise ProblemError(ProblemType.PAYLOAD_TOO_LARGE, detail)


def _refused_type(request: Request) -> ProblemError:
    detail = f"the body's Content-Type is {content_type(request) or 'not given'}; allowed: {MEDIA_TYPE}"
    return ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)
