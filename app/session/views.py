"""Who a browser is to the service, as it goes over HTTP."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from core.access import Scope


class Login(BaseModel):
    """A key to be kept in the cookie."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"key": "df_k3v9x0ab_<secret>"}]})

    key: str = Field(description="As `POST /keys` or `digitforge keys create` gave it.")


class SessionView(BaseModel):
    """Who asks. All but the first are null without a valid key."""

    keys_required: bool = Field(description="Whether the service asks for keys; if not, everybody may do everything.")
    id: str | None = Field(None, description="The id of the key.")
    name: str | None = None
    scopes: list[Scope] | None = Field(None, description="What it may do.")
    expires_at: datetime | None = Field(None, description="null: never.")
