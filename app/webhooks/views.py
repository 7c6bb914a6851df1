"""Webhooks and their messages as they go over HTTP, kept apart from their records."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from webhooks.message import message_id
from webhooks.record import Delivery, DeliveryStatus, Try, Webhook
from webhooks.targets import MAX_URL, Target

DAY_S = 86_400


def _leading_somewhere(url: str) -> str:
    Target.parse(url)
    return url


Event = Literal["job.succeeded", "job.failed", "job.cancelled"]
EVENTS: list[Event] = ["job.succeeded", "job.failed", "job.cancelled"]


class WebhookRequest(BaseModel):
    """The body of `POST /webhooks`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"url": "https://hooks.example/digits"}})

    url: Annotated[str, AfterValidator(_leading_somewhere)] = Field(max_length=MAX_URL, description="Where to send to.")
    events: list[Event] = Field(default=EVENTS, min_length=1, max_length=len(EVENTS), description="What to tell.")


class RotateRequest(BaseModel):
    """The body of `POST /webhooks/{id}/rotate`."""

    model_config = ConfigDict(extra="forbid")

    overlap_s: float = Field(DAY_S, ge=0, le=30 * DAY_S, description="How long the old secret signs too.")


class WebhookView(BaseModel):
    """A webhook as its owner sees it."""

    id: str
    caller: str = Field(description="The id of the key that it was registered with; of whose jobs it tells.")
    url: str
    events: list[Event]
    created_at: datetime
    failures: int = Field(description="How many requests in a row were not answered with 2xx.")
    last: Try | None = Field(description="The last request.")
    disabled: str | None = Field(description="Why it is told nothing any more.")

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """Translate a record, without its secrets."""
        return cls.model_validate(webhook.model_dump(include=set(WebhookView.model_fields)))


class NewSecret(WebhookView):
    """The same with its secret, which is shown once."""

    secret: str = Field(description="`whsec_` and 32 bytes in base64: what its messages are signed with.")

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """Translate a record with its new secret."""
        return cls(**WebhookView.of(webhook).model_dump(), secret=webhook.secret)


class WebhookList(BaseModel):
    """Webhooks, oldest first."""

    data: list[WebhookView]


class DeliveryView(BaseModel):
    """What became of the message about a job at one webhook."""

    webhook: str
    message: str = Field(description="Its `webhook-id`.")
    status: DeliveryStatus
    tries: list[Try]
    next_at: datetime | None = Field(description="When it is tried next.")

    @classmethod
    def of(cls, job_id: str, delivery: Delivery) -> Self:
        """Translate what is kept of it."""
        return cls(message=message_id(job_id), **delivery.model_dump())


class DeliveryList(BaseModel):
    """What became of the messages about a job."""

    data: list[DeliveryView]
