"""POST /datasets: take a file of images, and make a job of its import."""

from typing import Annotated, NamedTuple, Self

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.datasets.arriving import take_body, take_upload
from app.datasets.digests import announced_digests
from app.datasets.import_query import ImportQuery
from app.http.account import Account
from app.http.dependencies import ServicesDep
from app.http.guard import AccountDep, OriginDep
from app.http.idempotency import IdempotencyKey
from app.http.parameters import StrictRoute
from app.http.problems import FieldProblem, documented, not_accepted
from app.http.services import Services
from app.http.urls import url
from app.jobs.views import ImportJobView
from app.uploads.receiving import drop
from core.access import Limits
from core.datasets import dataset_names
from core.errors import IdempotencyKeyReused, QueueFull, QuotaExceeded, ShelfBusy, UploadNotFound
from core.import_limits import (
    LEAST_IMAGES,
    MOST_CANONICAL_BYTES,
    MOST_CLASSES,
    MOST_FILE_BYTES,
    MOST_MEMBERS,
    MOST_PIXELS,
    MOST_RATIO,
)
from core.uploads import Upload
from jobs.record import ImportSpec, JobOrigin
from jobs.store import Created

router = APIRouter(tags=["datasets"], route_class=StrictRoute)

FILE = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


DESCRIPTION = f"""Import images: the body is a file, such as a zip with a folder for each class.

`Location` has the job. Once it has succeeded, `GET /datasets/{{dataset}}` has the data set. `Content-Digest` and
`Repr-Digest` are checked.

Limits: DIGITFORGE_MAX_UPLOAD_BYTES, 512 MiB unless it is set, for the file; {MOST_MEMBERS:,} files in an archive,
each of up to {MOST_FILE_BYTES >> 20} MiB and {MOST_PIXELS // 10**6} megapixels; {MOST_RATIO} bytes unpacked for each
byte that came; from {LEAST_IMAGES} images to {MOST_CANONICAL_BYTES >> 30} GiB of them in the size that is trained on;
{MOST_CLASSES:,} classes.
"""


@router.post(
    "/datasets",
    status_code=202,
    description=DESCRIPTION,
    openapi_extra=FILE,
    responses=documented(400, 404, 408, 409, 413, 415, 422, 423, 429, 503, 507),
)
async def import_dataset(
    request: Request,
    response: Response,
    services: ServicesDep,
    origin: OriginDep,
    account: AccountDep,
    query: Annotated[ImportQuery, Query()],
    idempotency_key: IdempotencyKey = None,
) -> ImportJobView:
    """Take the file, or name one that is here, and make the job."""
    announced = announced_digests(request)
    first = await run_in_threadpool(_check_before, services, query.name, idempotency_key, account)
    if query.upload is None:
        source = _Source.of(await take_body(request, services, query.file, announced))
    elif first is not None and first.upload == query.upload:
        source = _Source(first.upload, first.file, first.bytes, first.sha256, was_asked_for=True)
    else:
        source = _Source.of(await run_in_threadpool(take_upload, request, services, query.upload, announced))
    asked = idempotency_key, origin, account.limits
    job, replayed, level_us = await run_in_threadpool(_create, services, query, source, *asked)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    else:
        account.note_job(level_us)
    response.headers["Location"] = url(f"/jobs/{job.id}")
    return ImportJobView.from_job(job)


class _Source(NamedTuple):
    """What is known of the file that is to be imported."""

    upload: str
    file: str | None
    bytes: int
    sha256: str
    was_asked_for: bool = False  # with the same key: it may be gone, as that job has imported it

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """That of a complete upload."""
        assert upload.meta.sha256 is not None
        return cls(upload.id, upload.meta.file, upload.offset, upload.meta.sha256)


def _check_before(services: Services, name: str, idempotency_key: str | None, account: Account) -> ImportSpec | None:
    """Refuse what can be refused before the file is read. Answers what was asked with the key before."""
    if name in dataset_names(services.settings.datasets_dir):
        detail = "a folder of DIGITFORGE_DATASETS_DIR is called so; allowed: another name"
        raise not_accepted([FieldProblem(parameter="name", detail=detail, value=name)])
    first = services.store.first_of(idempotency_key, account.caller.id) if idempotency_key else None
    if first is None:
        services.store.require_room("import", account.caller.id, account.limits)
    return first.spec if first is not None and isinstance(first.spec, ImportSpec) else None


def _create(
    services: Services,
    query: ImportQuery,
    source: _Source,
    idempotency_key: str | None,
    origin: JobOrigin,
    limits: Limits,
) -> Created:
    """Make the job. A body that came for nothing is removed; one whose job may be there stays."""
    spec = ImportSpec(
        name=query.name,
        options=query.options(),
        upload=source.upload,
        file=query.file or source.file,
        bytes=source.bytes,
        sha256=source.sha256,
        dry_run=query.dry_run,
    )
    created = None
    try:
        with services.uploads.keeping(None if source.was_asked_for else source.upload):
            created = services.store.create(spec, idempotency_key, origin, limits)
    except (QueueFull, QuotaExceeded, IdempotencyKeyReused, ShelfBusy):
        if query.upload is None:
            drop(services, source.upload)
        raise
    except UploadNotFound:
        if created is not None and not created.replayed:
            services.store.take_back(created.job.id)
        raise
    if created.replayed and query.upload is None:
        drop(services, source.upload)
    return created
