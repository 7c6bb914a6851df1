"""What Redis holds of a webhook, and of the messages that it was sent. `jobs/keys.py` names the keys."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from jobs.record import JobStatus


class MessageType(StrEnum):
    """What a message tells. A closed vocabulary: that of the standard's `type`."""

    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"
    TEST = "webhook.test"

    @classmethod
    def of_end(cls, status: JobStatus) -> "MessageType":
        """That of the end of a job."""
        return cls(f"job.{status}")


class Outcome(StrEnum):
    """What came of a request. Coarse on purpose: it must not tell what stands in the networks around the server."""

    ANSWERED = "answered"
    NO_ADDRESS = "no-address"
    NO_ANSWER = "no-answer"


class DeliveryStatus(StrEnum):
    """Where a message is: the first changes to one of the others, which are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


class Try(BaseModel):
    """One request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    outcome: Outcome = Field(
        description="`no-address`: the host does not resolve, or not only to addresses that may be reached. "
        "`no-answer`: no connection, no TLS, or no HTTP in time."
    )
    status: int | None = Field(None, description="Of the answer.")

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the message."""
        return self.status is not None and 200 <= self.status < 300


TRIES: TypeAdapter[list[Try]] = TypeAdapter(list[Try])


class Webhook(BaseModel):
    """The record of a webhook."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    caller: str = Field(description="Of whose jobs it tells.")
    url: str
    events: tuple[str, ...]
    created_at: datetime
    secret: str
    old_secret: str | None = None
    old_until_ms: int = Field(0, description="Until when the old secret signs too.")
    failing_ms: int | None = Field(None, description="Since when no request was answered well.")
    failures: int = Field(0, description="How many since then.")
    last: Try | None = None
    disabled: str | None = Field(None, description="Why it is told nothing any more.")

    @classmethod
    def from_hash(cls, fields: dict[str, str]) -> Self:
        """Read a record as Redis holds it."""
        values: dict[str, Any] = dict(fields)
        values["created_at"] = to_time(int(fields["created_ms"]))
        values["events"] = fields["events"].split(",")
        if "last" in fields:
            values["last"] = Try.model_validate_json(fields["last"])
        return cls.model_validate(values)

    def secrets_at(self, now_ms: int) -> list[str]:
        """The secrets that a message is signed with: the new one, and for a while after a change the old one."""
        old = [self.old_secret] if self.old_secret and now_ms < self.old_until_ms else []
        return [self.secret, *old]


class Delivery(BaseModel):
    """What has become of the message about a job at one webhook."""

    model_config = ConfigDict(frozen=True)

    webhook: str
    status: DeliveryStatus
    tries: tuple[Try, ...]
    next_at: datetime | None


def deliveries_in(fields: dict[str, str]) -> list[Delivery]:
    """Read what Redis holds of the messages about a job."""
    webhooks = sorted(name.removesuffix(":status") for name in fields if name.endswith(":status"))
    return [
        Delivery(
            webhook=webhook,
            status=DeliveryStatus(fields[f"{webhook}:status"]),
            tries=tuple(TRIES.validate_json(fields.get(f"{webhook}:tries", "[]"))),
            next_at=to_time(int(fields[f"{webhook}:next_ms"])) if f"{webhook}:next_ms" in fields else None,
        )
        for webhook in webhooks
    ]


def to_time(milliseconds: int) -> datetime:
    """A time of Redis, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
