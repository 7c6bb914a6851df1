"""The judge: a small frozen classifier that reads drawn images, so that they can be scored, and picked by class.

A judge belongs to a data set and stands beside its images. `worker/training/judge.py` trains one. Data sets with too
few labels have none; `worker/training/random_network.py` takes its place in their scores.

    <data set>/judge/judge.json               what it is, and the SHA-256 of the other two files
    <data set>/judge/weights.safetensors
    <data set>/judge/reference.safetensors    what scores compare with: see worker/training/scorer.py
"""

from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from torch import Tensor, nn

from core.card import ID_LENGTH, read_verified
from core.dataset_card import JUDGE
from core.errors import CheckpointError
from core.image_shape import GREY_28, ImageShape
from core.scores import Scores

FOLDER = JUDGE
JUDGE_CARD = "judge.json"
WEIGHTS = "weights.safetensors"
REFERENCE = "reference.safetensors"
FEATURES = 64
LAST_CHANNELS = 64
BATCH = 500


class JudgeCard(BaseModel):
    """The `judge.json`: how a judge came about, and the digests that its files are verified against."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    classes: int
    image_shape: ImageShape = GREY_28
    class_shares: list[float] | None = Field(
        None, description="Shares that the classes of drawn images are to have; null is even ones."
    )
    accuracy: float = Field(description="Share of the test images that it reads as they are labelled.")
    epochs: int
    seed: int
    dataset_sha256: str
    versions: dict[str, str]
    floor: Scores = Field(description="The scores of as many training images as there are test images.")
    sha256: dict[str, str]

    @property
    def judge_id(self) -> str:
        """The first 16 hex digits of its weights' SHA-256: scores of different judges cannot be compared."""
        return self.sha256[WEIGHTS][:ID_LENGTH]


class Judge(nn.Module):
    """A convolution for each time that the side is halved, and two dense layers.

    253,610 parameters for ten classes of 28x28 grey images.
    """

    def __init__(self, classes: int, shape: ImageShape = GREY_28) -> None:
        super().__init__()
        self.classes = classes
        self.shape = shape
        layers: list[nn.Module] = []
        channels = [shape.channels, *widths(shape)]
        for before, after in pairwise(channels):  # 28x28: [B, 32, 14, 14], [B, 64, 7, 7]
            layers += [
                nn.Conv2d(before, after, kernel_size=5, stride=2, padding=2, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        self.trunk = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(channels[-1] * shape.base**2, FEATURES),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, classes))

    @property
    def size(self) -> int:
        """Bytes of weights."""
        return sum(tensor.nbytes for tensor in self.state_dict().values())

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels 0..255 [B, H, W, C] -> features [B, 64], the last hidden layer, and logits [B, classes]."""
        features = self.trunk(channels_first(pixels, self.shape).float().div(255.0))
        return features, self.head(features)


def widths(shape: ImageShape) -> list[int]:
    """Channels after each halving of the side: 64 after the last, half as many before, so that each costs the same."""
    return [LAST_CHANNELS >> stage for stage in reversed(range(shape.stages))]


def channels_first(pixels: Tensor, shape: ImageShape) -> Tensor:
    """Pixels [B, H, W, C] as [B, C, H, W], with the strides whose kernels are fastest for one channel or three."""
    if shape.channels == 1:
        return pixels.reshape(-1, 1, shape.side, shape.side)
    return pixels.permute(0, 3, 1, 2)


def read_judge_card(folder: Path) -> JudgeCard:
    """Read a judge's card. Raises CheckpointError when it is missing or malformed."""
    path = folder / JUDGE_CARD
    try:
        card = JudgeCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise CheckpointError(f"{path}: not a judge's card: {error.errors()[0]['msg']}") from error
    if set(card.sha256) != {WEIGHTS, REFERENCE}:
        raise CheckpointError(f"{path}: sha256 must name {WEIGHTS} and {REFERENCE}, nothing else")
    return card


def load_judge(folder: Path, card: JudgeCard | None = None) -> Judge:
    """Load a judge, on the CPU and in evaluation mode, and verify it against its card, or the one that is given.

    Raises CheckpointError, naming the file.
    """
    card = card or read_judge_card(folder)
    judge = Judge(card.classes, card.image_shape)
    try:
        judge.load_state_dict(parse_tensors(read_verified(folder, WEIGHTS, card.sha256)))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{folder / WEIGHTS}: does not hold the weights of a judge: {error}") from error
    return judge.eval().requires_grad_(False)
