"""What is stored of a key, in Redis and in a file of keys: all but the key itself."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from access.key import ID_PATTERN, digest, new_id, new_key
from core.access import Caller, Limits, Scope
from core.validation import legible

MOST_NAME = 64


def _key_name(text: str) -> str:
    text = legible(text)
    if not 0 < len(text) <= MOST_NAME or not text.isprintable() or text != text.strip():
        raise ValueError(f"allowed: 1 to {MOST_NAME} printable characters, with no blank at either end")
    return text


KeyName = Annotated[str, AfterValidator(_key_name)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _known_scopes(values: Any) -> Any:
    """Without those of a newer version: nothing here asks for them."""
    return [value for value in values if value in set(Scope)] if isinstance(values, list) else values


def _known_limits(values: Any) -> Any:
    return {k: v for k, v in values.items() if k in Limits.model_fields} if isinstance(values, dict) else values


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(_in_utc)]
Scopes = Annotated[frozenset[Scope], PlainSerializer(sorted)]


class KeyRecord(BaseModel):
    """A key. It is known by its digests: that of its text, and for a while after a rotation that of the text before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN}$")]
    name: KeyName
    scopes: Annotated[Scopes, BeforeValidator(_known_scopes)]
    limits: Annotated[Limits, BeforeValidator(_known_limits)] = Limits()
    created_at: Time
    rotated_at: Time | None = None
    expires_at: Time | None = Field(None, description="null: never.")
    sha256: Digest = Field(description="Hex digest of its text.")
    previous_sha256: Digest | None = Field(None, description="Of its text before the rotation.")
    previous_until: Time | None = Field(None, description="How long that one goes on.")

    def caller(self) -> Caller:
        """Whoever comes with this key."""
        return Caller(id=self.id, name=self.name, scopes=self.scopes, limits=self.limits)

    def rotated(self, overlap: timedelta) -> "NewKey":
        """The same key with another text. The one before goes on for `overlap`, and no longer than it would have.

        One that expires is given as long a life again, from now on.
        """
        now = datetime.now(UTC)
        life = self.expires_at - (self.rotated_at or self.created_at) if self.expires_at else None
        text, until = new_key(self.id), min(now + overlap, self.expires_at or datetime.max.replace(tzinfo=UTC))
        changed = {
            "rotated_at": now,
            "expires_at": None if life is None else now + life,
            "sha256": digest(text.encode()).hex(),
            "previous_sha256": self.sha256 if until > now else None,
            "previous_until": until if until > now else None,
        }
        return NewKey(text, self.model_copy(update=changed))


class NewKey(NamedTuple):
    """A key at the only moment at which its text is known, and what is kept of it."""

    text: str
    record: KeyRecord

    @classmethod
    def make(
        cls, name: str, scopes: Iterable[Scope], life: timedelta | None = None, limits: Limits | None = None
    ) -> Self:
        """A new key, which goes on for `life`. Raises ValidationError for a name that is none."""
        key_id, now = new_id(), datetime.now(UTC)
        text = new_key(key_id)
        record = KeyRecord(
            id=key_id,
            name=name,
            scopes=frozenset(scopes),
            limits=limits or Limits(),
            created_at=now,
            expires_at=None if life is None else now + life,
            sha256=digest(text.encode()).hex(),
        )
        return cls(text, record)
