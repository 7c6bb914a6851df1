"""What is measured of a model's images, in words that the card, the job and the API share.

How each is computed is in `worker/training/metrics.py`.
"""

from math import hypot
from typing import Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

TINY = 1e-9  # test images may be training images, and at no distance
SURELY = 2.0  # standard errors

Measure = Literal["frechet", "kid"]


class Scores(BaseModel):
    """The quality of a set of images, as a judge sees them beside the test images of its data set.

    Where the data set has no judge, a fixed random network takes its place, and what takes a classifier is null.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)  # a newer version may measure more

    frechet: float = Field(
        validation_alias=AliasChoices("frechet", "frechet_digits"),  # its name up to 0.1
        description="Fréchet distance between the judge's features; 0 is best.",
    )
    kid: float | None = Field(
        None,
        description="Kernel distance between the judge's features, which does not depend on how many images are "
        "compared; 0 is best, and chance may bring it a little below. Null up to 0.1.",
    )
    kid_error: float | None = Field(
        None, description="Standard error of `kid`; null where it was measured on one block of images."
    )
    coverage: float = Field(description="Share of test images with a drawn one in their neighbourhood: variety.")
    density: float = Field(description="How many such neighbourhoods hold a drawn image, over those expected: realism.")
    vendi: float | None = Field(
        None,
        description="How many different images there effectively are among them, beside the floor's. Null up to 0.1.",
    )
    class_score: float | None = Field(
        None,
        validation_alias=AliasChoices("class_score", "digit_score"),  # its name up to 0.1
        description="exp(KL) of the judge's answers: clear and even; at most the classes.",
    )
    class_shares: list[float] | None = Field(
        None, description="Share of each class, as the judge reads the images. Null up to 0.1."
    )
    label_kl: float | None = Field(
        None, description="Distance of these from the shares that the classes are drawn with, in nats; 0 is best."
    )
    smallest_class: float | None = Field(
        None,
        description="Share of the rarest class, 0 to 1; of uneven classes, of that which is rarest beside its own "
        "share, as if all had the same.",
    )
    class_coverage: list[float] | None = Field(None, description="Coverage of the test images of each class.")
    class_accuracy: float | None = Field(
        None, description="Share of images that the judge gives the class they were drawn as; null without classes."
    )
    nearest: float | None = Field(
        None,
        description="Mean distance of a drawn image to the nearest training image, over that of a test image; "
        "well below 1 the images are copies. Null where the test images are training images.",
    )
    memorised: float | None = Field(
        None,
        description="Share of images that are copies of a training image: less than two thirds as far from it as from "
        "the second nearest. Null up to 0.1.",
    )


class ScoreSheet(Scores):
    """The scores of a model, and the floor: those of as many training images."""

    judge: str = Field(description="Which judge; scores of different ones cannot be compared.")
    images: int = Field(description="How many test images the drawn ones are compared with, as many at a time.")
    drawn: int | None = Field(None, description="How many images were drawn; null is as many as `images`.")
    compared_by: Measure = Field(
        "frechet",
        description="Which score compares models: `frechet` with a judge and 1,000 test images or more, else `kid`.",
    )
    floor: Scores

    @model_validator(mode="after")
    def _has_what_it_is_compared_by(self) -> Self:
        if self.compared_by == "kid" and self.kid is None:
            raise ValueError("compared_by is kid, and there is no kid")
        return self

    @property
    def compared(self) -> float:
        """The score that compares models: lower is better."""
        return self.frechet if self.kid is None or self.compared_by == "frechet" else self.kid

    @property
    def frechet_over_floor(self) -> float:
        """`frechet` in units of the distance between training and test images."""
        return self.frechet / max(self.floor.frechet, TINY)

    def kid_slack(self, other: "ScoreSheet") -> float:
        """By how much two sheets' `kid` may differ by chance."""
        return SURELY * hypot(self.kid_error or 0.0, other.kid_error or 0.0)


class Floor(BaseModel):
    """What training images of a data set score, beside the test images that its models are compared with."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    judge: str = Field(description="Which judge; scores of different ones cannot be compared.")
    images: int = Field(description="How many test images are compared with.")
    compared_by: Measure
    scores: Scores
