"""Which right each route needs, in one table. A route that is not in it stops the API from starting."""

from core.access import Scope

OPEN = None  # to everybody, with a key or without

SCOPES: dict[str, Scope | None] = {
    "GET /": OPEN,  # a page that asks for a key itself
    "GET /ui/{digest}/{name:path}": OPEN,
    "GET /session": OPEN,  # says who asks
    "POST /session": OPEN,
    "DELETE /session": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": Scope.METRICS,
    "OPTIONS /uploads": OPEN,  # says what the protocol can do
    "GET /generate": Scope.GENERATE,
    "GET /neighbours": Scope.GENERATE,
    "POST /inspect": Scope.GENERATE,
    "POST /v1/images/generations": Scope.GENERATE,
    "GET /v1/models": Scope.GENERATE,
    "GET /v1/models/{model_id}": Scope.GENERATE,
    "GET /usage": Scope.GENERATE,
    "GET /models": Scope.GENERATE,
    "GET /models/active": Scope.GENERATE,
    "GET /models/{model_id}": Scope.GENERATE,
    "GET /models/{model_id}/directions": Scope.GENERATE,
    "PUT /models/active": Scope.MODELS_WRITE,
    "PATCH /models/{model_id}": Scope.MODELS_WRITE,
    "DELETE /models/{model_id}": Scope.MODELS_WRITE,
    "POST /train": Scope.JOBS_WRITE,
    "POST /estimates": Scope.JOBS_READ,
    "GET /presets": Scope.JOBS_READ,
    "POST /jobs/{job_id}/cancel": Scope.JOBS_WRITE,
    "POST /jobs/{job_id}/pause": Scope.JOBS_WRITE,
    "POST /jobs/{job_id}/resume": Scope.JOBS_WRITE,
    "DELETE /jobs/{job_id}": Scope.JOBS_WRITE,
    "GET /events": Scope.JOBS_READ,
    "GET /jobs": Scope.JOBS_READ,
    "GET /jobs/{job_id}": Scope.JOBS_READ,
    "GET /jobs/{job_id}/events": Scope.JOBS_READ,
    "GET /jobs/{job_id}/samples": Scope.JOBS_READ,
    "GET /jobs/{job_id}/samples/{epoch}": Scope.JOBS_READ,
    "GET /jobs/{job_id}/pairs.png": Scope.JOBS_READ,
    "GET /jobs/{job_id}/timelapse": Scope.JOBS_READ,
    "GET /jobs/{job_id}/curves": Scope.JOBS_READ,
    "GET /jobs/{job_id}/checkpoints": Scope.JOBS_READ,
    "GET /jobs/{job_id}/checkpoints/{epoch}/{part}": Scope.JOBS_READ,
    "GET /jobs/{job_id}/logs": Scope.JOBS_READ,
    "GET /jobs/{job_id}/report": Scope.JOBS_READ,
    "GET /jobs/{job_id}/problems": Scope.JOBS_READ,
    "GET /workers": Scope.METRICS,
    "GET /jobs/{job_id}/deliveries": Scope.JOBS_READ,
    "POST /jobs/{job_id}/deliveries/{webhook_id}": Scope.JOBS_WRITE,
    "GET /webhooks": Scope.JOBS_WRITE,
    "POST /webhooks": Scope.JOBS_WRITE,
    "GET /webhooks/{webhook_id}": Scope.JOBS_WRITE,
    "POST /webhooks/{webhook_id}/rotate": Scope.JOBS_WRITE,
    "POST /webhooks/{webhook_id}/test": Scope.JOBS_WRITE,
    "DELETE /webhooks/{webhook_id}": Scope.JOBS_WRITE,
    "GET /datasets": Scope.JOBS_READ,
    "GET /datasets/{dataset}": Scope.JOBS_READ,
    "GET /datasets/{dataset}/problems": Scope.JOBS_READ,
    "GET /datasets/{dataset}/floor": Scope.JOBS_READ,
    "GET /datasets/{dataset}/preview.png": Scope.JOBS_READ,
    "GET /datasets/{dataset}/images/{k}.png": Scope.JOBS_READ,
    "GET /datasets/{dataset}/download": Scope.JOBS_READ,
    "POST /datasets": Scope.DATASETS_WRITE,
    "DELETE /datasets/{dataset}": Scope.DATASETS_WRITE,
    "POST /uploads": Scope.DATASETS_WRITE,
    "GET /uploads/{upload_id}": Scope.DATASETS_WRITE,
    "GET /keys": Scope.ADMIN,
    "POST /keys": Scope.ADMIN,
    "POST /keys/{key_id}/rotate": Scope.ADMIN,
    "DELETE /keys/{key_id}": Scope.ADMIN,
    "PATCH /uploads/{upload_id}": Scope.DATASETS_WRITE,
    "DELETE /uploads/{upload_id}": Scope.DATASETS_WRITE,
}


def scope_of(method: str, path: str) -> Scope | None:
    """The right that a route needs; None for an open one. Raises LookupError for a route that nobody has decided on."""
    return SCOPES[f"{method} {path}"]
