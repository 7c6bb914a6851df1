"""The Idempotency-Key of requests that make a job."""

from typing import Annotated

from fastapi import Header

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$",
        description="Any word of your own: the same key and request again are answered as the first time, and make "
        "no second job. Kept for 24 hours.",
    ),
]
