"""What POST /datasets is asked for: each field a query parameter."""

import re
from typing import Any

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from core.dataset_shelf import DATASET_ID
from core.datasets import DatasetName
from core.import_options import ImportOptions
from core.uploads import MOST_NAME, UPLOAD_ID, FileName


class ImportQuery(ImportOptions):
    """A name for the data set, where its images are, and how they are made of those that come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: DatasetName = Field(description="What the data set is to be called. An older one of this name keeps its id.")
    upload: str | None = Field(
        None,
        max_length=64,
        description="The id of a file that is here already, from `/uploads` or an earlier import; without it the body "
        "is the file.",
    )
    file: FileName | None = Field(None, max_length=MOST_NAME, description="The file's name, for the report alone.")
    dry_run: bool = Field(False, description="Whether a report is all that is wanted.")

    @field_validator("name")
    @classmethod
    def _no_id(cls, value: str) -> str:
        if DATASET_ID.fullmatch(value):
            raise PydanticCustomError("name_is_id", "16 hex digits are the id of a data set; allowed: another name")
        return value

    @field_validator("upload")
    @classmethod
    def _an_upload(cls, value: str | None) -> str | None:
        if value is not None and not UPLOAD_ID.fullmatch(value):
            raise PydanticCustomError("no_upload", "allowed: the id of an upload, which is 32 hex digits")
        return value

    @field_validator("channels", mode="before")
    @classmethod
    def _as_number(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,3}", value) else value

    def options(self) -> ImportOptions:
        """The options alone."""
        return ImportOptions(**{name: getattr(self, name) for name in ImportOptions.model_fields})
