"""This deployment's settings, from the environment. What an experiment does is a recipe, not a setting."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_ROOT = Path(__file__).resolve().parents[1]


def _split(value: Any) -> Any:
    """The items of a list that is written with commas."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
ROOT_PATH = r"(/[A-Za-z0-9._~-]+)*"  # a path without a slash at its end


def _network(value: str) -> str:
    return str(ip_network(value, strict=False))  # its ValueError says what is wrong


Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_split)]
HostNames = Annotated[tuple[HostName, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Read from variables with the prefix `DIGITFORGE_`, such as `DIGITFORGE_REDIS_URL`."""

    model_config = SettingsConfigDict(env_prefix="DIGITFORGE_", frozen=True)

    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Broker and job store.")
    data_dir: Path = Field(_ROOT / "var", description="Root of run directories and of the shelf of models.")
    datasets_dir: DirectoryPath = Field(_ROOT / "datasets", description="Folder whose folders are the data sets.")
    host: str = Field("127.0.0.1", description="Address that `make up` serves on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that `make up` serves on; 0 takes a free one.")

    hosts: HostNames = Field((), description="Names that the API answers to, beside localhost and IP addresses.")
    proxies: Networks = Field((), description="Addresses and networks of proxies whose X-Forwarded headers count.")
    root_path: str = Field("", pattern=f"^{ROOT_PATH}$", description="Path that a proxy serves the API under.")

    device: Literal["cpu", "cuda"] | None = Field(
        None, description="Where trainers run; unset is cuda where there is one, else cpu."
    )
    trainer_threads: int | None = Field(None, ge=1, description="CPU threads of a trainer; unset is one a core.")
    cuda_graph: bool = Field(False, description="Whether a trainer on a GPU launches each step as one CUDA graph.")
    draw_threads: int = Field(2, ge=1, description="How many threads of the API draw at once, each on one CPU.")
    models_mb: int = Field(64, ge=1, description="Megabytes of models that the API keeps in memory.")
    access_log: bool = Field(False, description="Whether the API logs every request.")
    max_body_bytes: int = Field(65536, ge=1024, description="Largest request body.")

    max_queued: int = Field(100, ge=1, description="How many jobs may wait.")
    retention_days: float = Field(30.0, gt=0, description="How long ended jobs and their files are kept.")

    lease_s: float = Field(30.0, gt=0, description="How long a worker may be silent before its job is given away.")
    heartbeat_s: float = Field(0.5, gt=0, description="How often a worker renews its lease and reads requests.")
    watchdog_s: float = Field(300.0, gt=0, description="How long a trainer may be silent before it is ended.")
    stop_grace_s: float = Field(10.0, gt=0, description="How long a trainer may take to save and stop.")

    @property
    def runs_dir(self) -> Path:
        """Where run directories live."""
        return self.data_dir / "runs"

    @property
    def shelf_dir(self) -> Path:
        """The shelf's root."""
        return self.data_dir / "shelf"
