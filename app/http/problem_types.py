"""The kinds of problems: a closed vocabulary, with the HTTP status of each. `docs/api.md` lists the same ones."""

from enum import StrEnum
from typing import Self


class ProblemType(StrEnum):
    """What `type` says in a problem. A word never changes its meaning."""

    status: int

    def __new__(cls, value: str, status: int) -> Self:
        """A member is its word; `status` is an attribute."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.status = status
        return member

    BAD_REQUEST = "bad-request", 400
    INVALID_JSON = "invalid-json", 400
    INCOMPLETE_BODY = "incomplete-body", 400
    DIGEST_MISMATCH = "digest-mismatch", 400
    KEY_IN_URL = "key-in-url", 400
    KEY_REQUIRED = "key-required", 401
    INVALID_KEY = "invalid-key", 401
    MISSING_SCOPE = "missing-scope", 403
    CROSS_ORIGIN = "cross-origin", 403
    WEBHOOKS_OFF = "webhooks-off", 403
    NOT_FOUND = "not-found", 404
    JOB_NOT_FOUND = "job-not-found", 404
    MODEL_NOT_FOUND = "model-not-found", 404
    JUDGE_NOT_FOUND = "judge-not-found", 404
    DATASET_NOT_FOUND = "dataset-not-found", 404
    UPLOAD_NOT_FOUND = "upload-not-found", 404
    KEY_NOT_FOUND = "key-not-found", 404
    WEBHOOK_NOT_FOUND = "webhook-not-found", 404
    METHOD_NOT_ALLOWED = "method-not-allowed", 405
    NOT_ACCEPTABLE = "not-acceptable", 406
    HEAD_TIMEOUT = "head-timeout", 408
    BODY_TIMEOUT = "body-timeout", 408
    JOB_STATE_CONFLICT = "job-state-conflict", 409
    DATASET_IN_USE = "dataset-in-use", 409
    MODEL_IN_USE = "model-in-use", 409
    UPLOAD_IN_USE = "upload-in-use", 409
    KEY_IN_FILE = "key-in-file", 409
    UPLOAD_INCOMPLETE = "upload-incomplete", 409
    UPLOAD_OFFSET = "upload-offset", 409
    WEBHOOK_DISABLED = "webhook-disabled", 409
    TOO_MANY_WEBHOOKS = "too-many-webhooks", 409
    DATASET_DELETED = "dataset-deleted", 410
    TUS_VERSION = "tus-version", 412
    PAYLOAD_TOO_LARGE = "payload-too-large", 413
    URI_TOO_LONG = "uri-too-long", 414
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", 415
    RANGE_NOT_SATISFIABLE = "range-not-satisfiable", 416
    UNKNOWN_HOST = "unknown-host", 421
    INVALID_PARAMETER = "invalid-parameter", 422
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", 422
    NOT_A_PNG = "not-a-png", 422
    NO_PROVENANCE = "no-provenance", 422
    UPLOAD_BUSY = "upload-busy", 423
    QUEUE_FULL = "queue-full", 429
    QUOTA_EXCEEDED = "quota-exceeded", 429
    TOO_MANY_KEYS = "too-many-keys", 429
    TOO_MANY_CONNECTIONS = "too-many-connections", 429
    TOO_MANY_STREAMS = "too-many-streams", 429
    HEAD_TOO_LARGE = "head-too-large", 431
    INTERNAL = "internal", 500
    STORE_UNAVAILABLE = "store-unavailable", 503
    STORE_AWAY = "store-away", 503
    STORE_DAMAGED = "store-damaged", 503
    STORAGE_UNAVAILABLE = "storage-unavailable", 503
    MODEL_NOT_READY = "model-not-ready", 503
    JUDGE_NOT_READY = "judge-not-ready", 503
    DATASET_DAMAGED = "dataset-damaged", 503
    SHELF_BUSY = "shelf-busy", 503
    OVERLOADED = "overloaded", 503
    CONNECTIONS_FULL = "connections-full", 503
    STREAMS_FULL = "streams-full", 503
    STORAGE_FULL = "storage-full", 507
    UPLOADS_FULL = "uploads-full", 507

    @classmethod
    def of_library(cls, status: int) -> "ProblemType":
        """The type of an error that a library answers by its status alone."""
        if status in _OF_LIBRARIES:
            return _OF_LIBRARIES[status]
        return cls.BAD_REQUEST if status < 500 else cls.INTERNAL


_OF_LIBRARIES = {
    kind.status: kind
    for kind in (ProblemType.NOT_FOUND, ProblemType.METHOD_NOT_ALLOWED, ProblemType.RANGE_NOT_SATISFIABLE)
}

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    423: "Locked",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}
