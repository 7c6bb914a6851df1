"""What is measured of a model's images, in words that the card, the job and the API share.

How each is computed is in `worker/training/metrics.py`.
"""

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

TINY = 1e-9  # test images may be training images, and at no distance


class Scores(BaseModel):
    """The quality of a set of images, as a judge sees them beside the test images of its data set."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)  # a newer version may measure more

    frechet: float = Field(
        validation_alias=AliasChoices("frechet", "frechet_digits"),  # its name up to 0.1
        description="Fréchet distance between the judge's features; 0 is best.",
    )
    coverage: float = Field(description="Share of test images with a drawn one in their neighbourhood: variety.")
    density: float = Field(description="How many such neighbourhoods hold a drawn image, over those expected: realism.")
    class_score: float = Field(
        validation_alias=AliasChoices("class_score", "digit_score"),  # its name up to 0.1
        description="exp(KL) of the judge's answers: clear and even; at most the classes.",
    )
    label_kl: float = Field(description="Distance of the class histogram from an even one, in nats; 0 is best.")
    smallest_class: float = Field(description="Share of the rarest class, 0 to 1.")
    class_coverage: list[float] = Field(description="Coverage of the test images of each class.")
    class_accuracy: float | None = Field(
        None, description="Share of images that the judge gives the class they were drawn as; null without classes."
    )
    nearest: float | None = Field(
        None,
        description="Mean distance of a drawn image to the nearest training image, over that of a test image; "
        "well below 1 the images are copies. Null where the test images are training images.",
    )


class ScoreSheet(Scores):
    """The scores of a model, and the floor: those of as many training images."""

    judge: str = Field(description="Which judge; scores of different ones cannot be compared.")
    images: int = Field(description="How many images were drawn, and as many test images compared with.")
    floor: Scores

    @property
    def frechet_over_floor(self) -> float:
        """`frechet` in units of the distance between training and test images."""
        return self.frechet / max(self.floor.frechet, TINY)
