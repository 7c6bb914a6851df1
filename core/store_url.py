"""The address of the object store that machines share: `s3://bucket/prefix`, or `file:///folder`."""

import re
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator

FORMS = "s3://bucket[/prefix], or file:///folder on a disk that all machines have"
BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
PREFIX = r"(/[A-Za-z0-9._-]+)*/?"


def check_store_url(url: str) -> str:
    """The URL as it is. Raises ValueError that says what is wrong with it and what is allowed."""
    parts = urlsplit(url)
    fault = {"s3": _fault_of_bucket, "file": _fault_of_folder}.get(parts.scheme, _fault_of_scheme)(parts)
    if parts.query or parts.fragment:
        fault = "it has a query or a fragment"
    if fault:
        raise ValueError(f"{fault}; allowed: {FORMS}")
    return url


StoreUrl = Annotated[str, AfterValidator(check_store_url)]


def _fault_of_scheme(_: SplitResult) -> str | None:
    return "it does not begin with s3:// or file://"


def _fault_of_bucket(parts: SplitResult) -> str | None:
    if not re.fullmatch(BUCKET, parts.netloc):
        return f"no bucket can be called {parts.netloc!r}"
    return (
        None
        if re.fullmatch(PREFIX, parts.path) and not {".", ".."} & set(parts.path.split("/"))
        else f"the prefix has a part with other characters than A-Za-z0-9._-, or . or ..: {parts.path!r}"
    )


def _fault_of_folder(parts: SplitResult) -> str | None:
    if parts.netloc or not PurePosixPath(unquote(parts.path)).is_absolute():
        return "the folder does not begin with a slash, the third one"
    if not unquote(parts.path).strip("/"):
        return "it is the root of the file system"
    return None
