"""This deployment's settings, from the environment. What an experiment does is a recipe, not a setting."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.access import Limits
from core.redis_url import RedisUrl
from core.setting_types import (
    Address,
    AnyPath,
    Devices,
    ExistingFolder,
    Host,
    HostNames,
    HostsAndNetworks,
    LimitOfAll,
    Networks,
    Origins,
    RootPath,
)
from core.store_url import StoreUrl

_ROOT = Path(__file__).resolve().parents[1]
BEATS_A_LEASE = 3  # a beat may fail, and the next be late, without the job being given away


class Settings(BaseSettings):
    """Read from variables with the prefix `DIGITFORGE_`, such as `DIGITFORGE_REDIS_URL`. An empty one is unset."""

    model_config = SettingsConfigDict(env_prefix="DIGITFORGE_", env_ignore_empty=True, frozen=True)

    redis_url: RedisUrl = Field("redis://127.0.0.1:6379/0", description="Broker and job store.")
    data_dir: AnyPath = Field(_ROOT / "var", description="Root of run directories and of the shelf of models.")
    store_url: StoreUrl | None = Field(
        None, description="Object store that machines share; unset: everything is in the data directory of one machine."
    )
    store_grace_s: float = Field(
        86_400.0, ge=10, allow_inf_nan=False, description="Age in seconds at which what nobody names is garbage there."
    )
    datasets_dir: ExistingFolder = Field(_ROOT / "datasets", description="Folder whose folders are the data sets.")
    host: Host = Field("127.0.0.1", description="Address that `make up` serves on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that `make up` serves on; 0 takes a free one.")

    hosts: HostNames = Field((), description="Names that the API answers to, beside localhost and IP addresses.")
    keys_file: AnyPath | None = Field(
        None, description="File of keys beside those in Redis; where it is set, keys are on."
    )
    published_host: Address | None = Field(
        None, description="Address that something else publishes the API on, such as Docker, which decides for `host`."
    )
    proxies: Networks = Field((), description="Addresses and networks of proxies whose X-Forwarded headers count.")
    root_path: RootPath = Field("", description="Path that a proxy serves the API under.")
    cors_origins: Origins = Field((), description="Origins whose pages may use the API from a browser.")

    webhooks: Literal["off", "listed", "public"] = Field(
        "off", description="Where webhooks may lead: nowhere, to DIGITFORGE_WEBHOOK_HOSTS, or to public addresses too."
    )
    webhook_hosts: HostsAndNetworks = Field((), description="Hosts and networks of webhooks, private ones too.")

    devices: Devices = Field(
        "auto",
        description="Where trainers run, such as cuda:0,cuda:1, one job at a time on each; auto: every GPU, else cpu.",
    )
    trainer_threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads of a trainer; unset is one a core."
    )
    cuda_graph: bool = Field(True, description="Whether a trainer on a GPU launches each step as one CUDA graph.")
    api_processes: int | None = Field(
        None, ge=1, le=256, description="Processes of the API, each drawing on one CPU; unset: one a core, 16 at most."
    )
    models_mb: int = Field(64, ge=1, le=1_000_000, description="Megabytes of models that each process keeps in memory.")
    cache_mb: int = Field(16, ge=0, le=1_000_000, description="Megabytes of pictures that each process remembers.")
    metrics: bool = Field(True, description="Whether the API counts its requests, and answers GET /metrics.")
    worker_metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port that the worker serves its metrics on; unset: none."
    )
    worker_metrics_host: Host = Field("127.0.0.1", description="Address that it serves them on.")
    access_log: bool = Field(False, description="Whether the API logs every request.")
    log_format: Literal["text", "json"] = Field("text", description="How lines are logged: for people or collectors.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged."
    )
    max_body_bytes: int = Field(65536, ge=1024, le=2**30, description="Largest request body.")
    max_upload_bytes: int = Field(
        512 << 20, ge=1024, le=2**40, description="Largest file of images, and largest body that brings one."
    )
    max_all_uploads_bytes: int | None = Field(
        None, ge=1024, le=2**50, description="Bytes of all uploads that wait for their imports; unset: no bound."
    )

    head_timeout_s: float = Field(
        10.0, ge=1, le=3600, description="How long a client may take for the head of a request, and for its first byte."
    )
    body_timeout_s: float = Field(
        30.0, ge=1, le=3600, description="How long a client may be silent in a body, or not read what was sent to it."
    )
    draw_timeout_s: float = Field(
        60.0, ge=1, le=3600, description="How long a request may wait for its model and its images."
    )
    max_connections: int = Field(4096, ge=1, le=65_536, description="How many connections may be open.")
    max_connections_per_address: int = Field(
        512, ge=1, le=65_536, description="How many of them may come from an address that is no proxy's."
    )
    max_streams: int = Field(512, ge=1, le=65_536, description="How many event streams and long polls may be open.")

    max_queued: int = Field(100, ge=1, le=1_000_000, description="How many jobs may wait.")
    retention_days: float = Field(
        30.0, gt=0, description="How long ended jobs and their files are kept; inf is for ever."
    )
    keep_models: int | None = Field(
        None, ge=1, le=1_000_000, description="How many models of each data set stay on the shelf; unset: all."
    )
    keep_models_days: float | None = Field(
        None, gt=0, le=36_500, description="How many days a model stays on the shelf; unset: for ever."
    )

    limit_requests_per_minute: LimitOfAll = Field(None, description="Most requests of a caller; unset: any number.")
    limit_images_per_minute: LimitOfAll = Field(None, description="Most images that a caller may draw.")
    limit_images_per_day: LimitOfAll = Field(None, description="Most images that a caller may draw in a UTC day.")
    limit_jobs_per_hour: LimitOfAll = Field(None, description="Most jobs that a caller may make.")
    limit_uploads_per_hour: LimitOfAll = Field(None, description="Most uploads that a caller may begin.")
    limit_queued: LimitOfAll = Field(None, description="Most jobs of a caller that may wait.")
    limit_running: LimitOfAll = Field(None, description="Most jobs of a caller that run at once.")
    limit_streams: LimitOfAll = Field(None, description="Most event streams that a caller may have open.")
    limit_device_s_per_day: LimitOfAll = Field(None, description="Most seconds that a caller's jobs run in a UTC day.")

    lease_s: float = Field(
        30.0, ge=1, le=86_400, description="How long a worker may be silent before its job is given away."
    )
    heartbeat_s: float = Field(
        0.5, ge=0.05, le=3600, description="How often a worker renews its lease and reads requests."
    )
    watchdog_s: float = Field(
        300.0, ge=10, le=604_800, description="How long a trainer may be silent before it is ended."
    )
    stop_grace_s: float = Field(10.0, ge=0.1, le=3600, description="How long a trainer may take to save and stop.")

    @model_validator(mode="after")
    def _some_beats_in_a_lease(self) -> Self:
        longest = self.lease_s / BEATS_A_LEASE
        if self.heartbeat_s > longest:
            raise PydanticCustomError(
                "too_few_beats",
                "a lease has to hold {beats} heartbeats, and DIGITFORGE_LEASE_S is {lease_s}; "
                "allowed: at most {longest}",
                {
                    "beats": BEATS_A_LEASE,
                    "lease_s": f"{self.lease_s:g}",
                    "longest": f"{longest:.3g}",
                    "heartbeat_s": self.heartbeat_s,
                    "field": "heartbeat_s",
                },
            )
        return self

    @property
    def limits(self) -> Limits:
        """What each caller may have whose key says nothing else."""
        return Limits(**{name: getattr(self, f"limit_{name}") for name in Limits.model_fields})

    @property
    def runs_dir(self) -> Path:
        """Where run directories live."""
        return self.data_dir / "runs"

    @property
    def runs_cache_dir(self) -> Path:
        """Where files of runs of other machines are kept that somebody asked for."""
        return self.data_dir / "cache" / "runs"

    @property
    def shelf_dir(self) -> Path:
        """The shelf's root; with a store, that of this machine's copy, apart from what it had before it had a store."""
        return self.data_dir / "shelf" if self.store_url is None else self.data_dir / "cache" / "shelf"

    @property
    def following_dir(self) -> Path:
        """What the processes of a machine that follow the store tell each other."""
        return self.data_dir / "cache" / "following"

    @property
    def imported_dir(self) -> Path:
        """Where imported data sets live."""
        return self._own_or_copy("datasets")

    @property
    def uploads_dir(self) -> Path:
        """Where files that were uploaded wait for their import."""
        return self._own_or_copy("uploads")

    def _own_or_copy(self, name: str) -> Path:
        """A folder of a machine that shares nothing, or what a machine has of that which the store has."""
        return self.data_dir / name if self.store_url is None else self.data_dir / "cache" / name
