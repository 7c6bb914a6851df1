"""The upload that a URL names, for whoever began it and for `admin`. To others it is not there."""

from typing import Annotated

from fastapi import Depends, Path

from app.http.dependencies import ServicesDep
from app.http.guard import CallerDep
from app.http.services import Services
from core.access import Caller
from core.uploads import Upload, not_found


def own_upload(services: Services, caller: Caller, upload_id: str) -> Upload:
    """An upload, if it is the caller's. Raises UploadNotFound."""
    upload = services.uploads.get(upload_id)
    if not caller.owns(upload.meta.caller):
        raise not_found(upload_id)
    return upload


def _own_upload(
    upload_id: Annotated[str, Path(max_length=64, description="As in the answer to POST /uploads.")],
    services: ServicesDep,
    caller: CallerDep,
) -> Upload:
    return own_upload(services, caller, upload_id)


OwnUploadDep = Annotated[Upload, Depends(_own_upload)]
