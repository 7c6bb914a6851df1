"""What a webhook is sent. A job changes no more once it has ended, so each try sends the same bytes."""

from datetime import datetime

from pydantic import BaseModel, Field

from jobs.record import Job, JobKind, JobStatus
from webhooks.record import MessageType


class MessageLinks(BaseModel):
    """Where to read on. Paths of the API: the worker that sends them does not know under which name you reach it."""

    job: str
    generate: str | None = Field(description="Images from the model that came of it.")
    dataset: str | None = Field(description="The data set that came of it.")


class EndOfJob(BaseModel):
    """A job that has ended."""

    id: str
    kind: JobKind
    status: JobStatus
    model: str | None = Field(description="The id of the model that came of it.")
    dataset: str | None = Field(description="The id of the data set that came of it.")
    error: str | None = Field(description="The type of the error that it failed with.")
    links: MessageLinks


class WebhookTest(BaseModel):
    """That a webhook was asked to be tested."""

    webhook: str


class Message(BaseModel):
    """The body of a request to a webhook."""

    type: MessageType
    timestamp: datetime = Field(description="When it happened, which may be long before it is sent.")
    data: EndOfJob | WebhookTest


def message_id(subject: str) -> str:
    """The id of the message about a job, or of a test. It is the same at each try, and for each webhook."""
    return f"msg_{subject}"


def message_about(job: Job, root_path: str = "") -> Message:
    """What to tell of a job that has ended. `root_path` is what a proxy serves the API under."""
    assert job.finished_at is not None
    model = job.model_id if job.status is JobStatus.SUCCEEDED else None
    dataset = job.dataset if job.status is JobStatus.SUCCEEDED else None
    links = MessageLinks(
        job=f"{root_path}/jobs/{job.id}",
        generate=f"{root_path}/generate?model={model}" if model else None,
        dataset=f"{root_path}/datasets/{dataset}" if dataset else None,
    )
    end = EndOfJob(
        id=job.id,
        kind=job.spec.kind,
        status=job.status,
        model=model,
        dataset=dataset,
        error=job.error.type if job.error else None,
        links=links,
    )
    return Message(type=MessageType.of_end(job.status), timestamp=job.finished_at, data=end)
