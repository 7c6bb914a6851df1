"""GET /workers: the workers that are there."""

from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.http.dependencies import ServicesDep
from app.http.parameters import StrictRoute
from app.http.problems import documented
from jobs.workers import Worker

router = APIRouter(prefix="/workers", tags=["jobs"], responses=documented(422, 503), route_class=StrictRoute)


class LaneView(BaseModel):
    """A lane of a worker: the process that carries out one job at a time, on a device or in the import lane."""

    name: str = Field(description="Its number from 0, or `import`.")
    device: str | None = Field(description="What it trains on; null for imports.")
    alive: bool = Field(description="Whether it has told of itself in the last 10 s.")
    pid: int | None
    job: str | None = Field(description="The id of the job that it carries out.")
    attempt: int | None


class WorkerView(BaseModel):
    """A worker that has told of itself in the last 10 s."""

    id: str
    host: str
    pid: int
    version: str
    started_at: datetime
    healthy: bool
    fault: str | None = Field(description="Why it is not.")
    draining: bool = Field(description="Whether it takes no more jobs, and ends.")
    swept_at: datetime | None = Field(description="When it last looked for what vanished workers left.")
    lanes: list[LaneView]

    @classmethod
    def of(cls, worker: Worker) -> Self:
        """Translate what it told."""
        main, told = worker.main, worker.lanes
        return cls(
            **main.model_dump(exclude={"devices", "listens"}),
            healthy=worker.fault is None,
            fault=worker.fault,
            lanes=[
                LaneView(
                    name=name,
                    device=device,
                    alive=name in told,
                    pid=told[name].pid if name in told else None,
                    job=told[name].job_id if name in told else None,
                    attempt=told[name].attempt if name in told else None,
                )
                for name, device in main.lanes.items()
            ],
        )


class WorkerList(BaseModel):
    """The workers, the oldest first."""

    data: list[WorkerView]


@router.get("")
def list_workers(services: ServicesDep) -> WorkerList:
    """The workers that are there, with their lanes and the jobs in them."""
    return WorkerList(data=[WorkerView.of(worker) for worker in services.workers.all()])
