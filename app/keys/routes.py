"""/keys: make, list, rotate and revoke keys."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from fastapi.concurrency import run_in_threadpool

from access.key_record import NewKey
from app.http.dependencies import ServicesDep, require_json
from app.http.json_body import JsonRoute
from app.http.problems import documented
from app.http.services import Services
from app.keys.views import KeyList, KeyRequest, KeyView, NewKeyView, RotateRequest
from core.errors import KeyInFile

router = APIRouter(prefix="/keys", tags=["keys"], responses=documented(422, 503), route_class=JsonRoute)

KeyId = Annotated[str, Path(max_length=64, description="The 8 characters behind `df_`.")]
BODY = [Depends(require_json)]


@router.get("")
def list_keys(services: ServicesDep) -> KeyList:
    """All keys, those in Redis and those of the file, oldest first. Nobody can be shown their texts again."""
    keyring, used = services.keyring, services.keyring.store.last_used()
    filed = [KeyView.of(record, used.get(record.id), in_file=True) for record in keyring.filed()]
    stored = [KeyView.of(record, used.get(record.id)) for record in keyring.store.all().records]
    return KeyList(data=sorted(filed + stored, key=lambda key: (key.created_at, key.id)))


@router.post("", status_code=201, dependencies=BODY, responses=documented(400, 413, 415))
async def create(wanted: KeyRequest, response: Response, services: ServicesDep) -> NewKeyView:
    """Make a key. From the first one on, every request needs one."""
    life = timedelta(seconds=wanted.expires_s) if wanted.expires_s else None
    new = NewKey.make(wanted.name, wanted.scopes, life, wanted.limits)
    await run_in_threadpool(services.keyring.store.add, new.record)
    return await _shown_once(new, response, services)


@router.post("/{key_id}/rotate", status_code=201, dependencies=BODY, responses=documented(400, 404, 409, 413, 415))
async def rotate(
    key_id: KeyId, response: Response, services: ServicesDep, wanted: RotateRequest | None = None
) -> NewKeyView:
    """Give a key another text. The one before goes on for a while; a key that expires lives as long again."""
    _require_stored(key_id, services)
    overlap = timedelta(seconds=(wanted or RotateRequest()).overlap_s)
    new = await run_in_threadpool(services.keyring.store.rotate, key_id, overlap)
    return await _shown_once(new, response, services)


@router.delete("/{key_id}", status_code=204, responses=documented(404, 409))
async def revoke(key_id: KeyId, services: ServicesDep) -> None:
    """Revoke a key. Every process of the API knows it within 5 seconds, unless Redis is away."""
    _require_stored(key_id, services)
    await run_in_threadpool(services.keyring.store.revoke, key_id)
    await services.keyring.look()


def _require_stored(key_id: str, services: Services) -> None:
    if any(record.id == key_id for record in services.keyring.filed()):
        raise KeyInFile(f"key {key_id!r} stands in DIGITFORGE_KEYS_FILE; allowed: to change it there")


async def _shown_once(new: NewKey, response: Response, services: Services) -> NewKeyView:
    await services.keyring.look()  # so that it can be used at once, here at least
    response.headers["Cache-Control"] = "no-store"
    return NewKeyView.of_new(new)
