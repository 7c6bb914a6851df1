"""Images, and what a PNG tells of itself, as they go over HTTP."""

from pydantic import BaseModel, Field


class ImageView(BaseModel):
    """An image by itself."""

    seed: int
    k: int = Field(description="Its number among the images of the seed.")
    png: str = Field(description="The PNG in base64.")
    url: str = Field(description="What draws this PNG again.")


class ImagesView(BaseModel):
    """Images as JSON."""

    model: str
    seed: int
    images: list[ImageView]


class Inspection(BaseModel):
    """What a PNG says of itself."""

    model: str = Field(description="A model's id, or a checkpoint of a job as `<job>@<epoch>`.")
    weights: str = Field(description="The id of what drew it: that of the model, or of the checkpoint's weights.")
    on_shelf: bool = Field(description="Whether a model of these weights is on this server's shelf.")
    seed: int
    at: str | None = Field(description="The point of the plane; null for the images of the seed itself.")
    start: int = Field(description="Number of its first image among those of the seed.")
    n: int
    digit: str | None = Field(description="Which digits were asked for; null for whatever came.")
    class_: str | None = Field(
        serialization_alias="class", description="Which classes were asked for, by name; null for whatever came."
    )
    nudge: str | None = Field(description="The steps along directions; null for none.")
    judge: str | None = Field(description="The judge that picked them; null where the file names none.")
    url: str = Field(description="What draws the same bytes again, from the root of a server.")
