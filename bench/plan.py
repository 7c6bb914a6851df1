"""What larger deployments need and cost, by arithmetic from what was measured: `python -m bench.plan`.

docs/scale.md#planned has its table; `tests/bench/test_plan.py` holds the two together. Nothing has been run at these
sizes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

DAY_S, MONTH_S = 86_400, 730 * 3600
MB, GB = 1e6, 1e9

# Trainings of `quality`: docs/performance.md (two cores), docs/gpu.md (an H200, scores included), and their files.
CPU_JOB_S, GPU_JOB_S, EPOCHS = 900.0, 39.3, 20
BETWEEN_JOBS_S = 5.0  # claim, start to first step, publication
STATE_B, CHECKPOINT_B, SAMPLE_B = 18.0 * MB, 4.8 * MB, 0.05 * MB
PUTS_OF_EPOCH = 10  # three chunks of the state, its manifest, generator, discriminator, card, sample, list; a LIST
PUTS_OF_MODEL = 4  # the same three, and the shelf

# Drawing: docs/performance.md, grids of 16 on one core, and the PNG of one.
GRIDS_A_CORE, GRID_B, BUSY = 211.0, 3_800, 0.6  # BUSY: how busy the cores are to be, so that waits stay short

# Redis: `python -m bench.redis_load`, microseconds of its CPU.
CREATE_US, CLAIM_US, BEAT_US, TOLD_BEAT_US, TELL_US, LOOK_US, HEARS_US = 418, 374, 227, 266, 146, 107, 84
JOB_B, EVENT_B = 6_000, 134

# The shelf: `python -m bench.store_load`. A model that is there, and one that was deleted.
SHELVED_B, DELETED_B = 900, 290
FOLLOWED = 2  # documents that each API host asks for once a second; workers read them when they publish

# US dollars: list prices of Amazon S3 Standard and of data transfer out, us-east-1, first tiers, as public guides
# quoted them in November 2026.
PUT_USD, GET_USD, STORED_GB_USD, OUT_GB_USD = 5e-6, 0.4e-6, 0.023, 0.09
CORE_HOUR_USD, GPU_HOUR_USD = 0.045, 3.00  # parameters, not quotes: put your own here


@dataclass(frozen=True)
class Plan:
    """A deployment that is busy all day."""

    name: str
    jobs_a_day: float = 0
    job_s: float = 0
    gpus: int = 0
    grids_a_s: float = 0
    retention_days: float = 30

    @property
    def jobs_a_s(self) -> float:
        """Trainings that begin, and end, in a second."""
        return self.jobs_a_day / DAY_S

    @property
    def workers(self) -> int:
        """Devices that train at once."""
        return ceil(self.jobs_a_s * (self.job_s + BETWEEN_JOBS_S))

    @property
    def api_cores(self) -> int:
        """Cores that draw."""
        return max(2, ceil(self.grids_a_s / GRIDS_A_CORE / BUSY))

    @property
    def api_hosts(self) -> int:
        """Machines or pods of four cores that draw; two at least, so that one may be away."""
        return max(2, ceil(self.api_cores / 4))

    @property
    def redis_share(self) -> float:
        """Of the one core that carries out Redis' commands, while all workers are busy."""
        a_worker = BEAT_US + TOLD_BEAT_US + 1.5 * TELL_US + 2 * LOOK_US
        return (self.jobs_a_s * (CREATE_US + CLAIM_US) + self.workers * a_worker) / 1e6

    @property
    def redis_idle_share(self) -> float:
        """The same while they are idle, and each sees every two seconds whether it hears of jobs."""
        return self.workers * (1.5 * TELL_US + 2 * LOOK_US + 0.5 * HEARS_US) / 1e6

    @property
    def redis_b(self) -> float:
        """Records and events of the jobs that are kept: about an event a second, and one an epoch."""
        return self.jobs_a_day * self.retention_days * (JOB_B + EVENT_B * (self.job_s + EPOCHS))

    @property
    def gets_a_s(self) -> float:
        """Requests of followers; most are answered 304."""
        return FOLLOWED * self.api_hosts

    @property
    def puts_a_s(self) -> float:
        """Requests of savers."""
        return self.jobs_a_s * (EPOCHS * PUTS_OF_EPOCH + PUTS_OF_MODEL)

    @property
    def saved_b_a_s(self) -> float:
        """Bytes to the store in a second: an epoch's state, checkpoint and sample, and the model at the end."""
        return self.jobs_a_s * (EPOCHS * (STATE_B + CHECKPOINT_B + SAMPLE_B) + CHECKPOINT_B)

    @property
    def stored_b(self) -> float:
        """Bytes in the store: the files of the jobs that are kept. Models come on top, as many as you keep."""
        return self.jobs_a_day * self.retention_days * (EPOCHS * (CHECKPOINT_B + SAMPLE_B) + STATE_B)

    @property
    def out_b_a_s(self) -> float:
        """Bytes of pictures in a second."""
        return self.grids_a_s * GRID_B

    @property
    def store_usd(self) -> float:
        """A month of requests and storage."""
        requests = self.puts_a_s * PUT_USD + self.gets_a_s * GET_USD
        return requests * MONTH_S + self.stored_b / GB * STORED_GB_USD

    @property
    def out_usd(self) -> float:
        """A month of pictures to the Internet, without a cache before the API."""
        return self.out_b_a_s / GB * OUT_GB_USD * MONTH_S

    @property
    def compute_usd(self) -> float:
        """A month of cores, two a worker and two for Redis, and of GPUs."""
        cores = self.api_cores + 2 * self.workers + 2
        return (cores * CORE_HOUR_USD + self.gpus * GPU_HOUR_USD) * 730


PLANS = (
    Plan("10,000 jobs a day, two cores each", jobs_a_day=10_000, job_s=CPU_JOB_S),
    Plan("10,000 jobs a day, GPUs", jobs_a_day=10_000, job_s=GPU_JOB_S, gpus=6),
    Plan("1,000 grids a second", grids_a_s=1_000),
    Plan(
        "100 GPUs, always busy",
        jobs_a_day=100 * DAY_S / (GPU_JOB_S + BETWEEN_JOBS_S),
        job_s=GPU_JOB_S,
        gpus=100,
        retention_days=1,
    ),
)
ROWS: dict[str, Callable[[Plan], str]] = {
    "trainings a day": lambda plan: f"{plan.jobs_a_day:,.0f}",
    "workers of one device": lambda plan: f"{plan.workers:,}",
    "cores of the API": lambda plan: f"{plan.api_cores:,}",
    "days that ended jobs are kept": lambda plan: f"{plan.retention_days:g}",
    "Redis, share of its core: busy": lambda plan: f"{plan.redis_share:.1%}",
    "... all workers idle": lambda plan: f"{plan.redis_idle_share:.1%}",
    "Redis, memory": lambda plan: _size(plan.redis_b),
    "store, GET a second": lambda plan: f"{plan.gets_a_s:,.0f}",
    "store, PUT a second": lambda plan: f"{plan.puts_a_s:,.1f}",
    "store, bytes a second": lambda plan: _size(plan.saved_b_a_s),
    "store, size": lambda plan: _size(plan.stored_b),
    "`shelf.json` grows a day by": lambda plan: _size(plan.jobs_a_day * SHELVED_B),
    "... if models are deleted as fast as they come": lambda plan: _size(plan.jobs_a_day * DELETED_B),
    "pictures, bytes a second": lambda plan: _size(plan.out_b_a_s),
    "a month: store": lambda plan: f"${plan.store_usd:,.0f}",
    "a month: pictures to the Internet": lambda plan: f"${plan.out_usd:,.0f}",
    "a month: cores and GPUs": lambda plan: f"${plan.compute_usd:,.0f}",
}


def table() -> str:
    """What each plan needs, as Markdown."""
    head = [f"| | {' | '.join(plan.name for plan in PLANS)} |", f"|---|{'---|' * len(PLANS)}"]
    return "\n".join(head + [f"| {name} | {' | '.join(cell(plan) for plan in PLANS)} |" for name, cell in ROWS.items()])


def _size(number: float) -> str:
    for unit, bytes_ in (("TB", 1e12), ("GB", GB), ("MB", MB), ("kB", 1e3)):
        if number >= bytes_:
            return f"{number / bytes_:,.1f} {unit}"
    return f"{number:,.0f}"


if __name__ == "__main__":
    print(table())
