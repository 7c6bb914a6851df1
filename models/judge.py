"""The judge: a small frozen classifier that reads drawn images, so that they can be scored, and picked by digit.

A judge belongs to a data set and stands beside its images. `python -m worker.training.judge` trains one.

    <data set>/judge/judge.json               what it is, and the SHA-256 of the other two files
    <data set>/judge/weights.safetensors
    <data set>/judge/reference.safetensors    what scores compare with: see worker/training/scorer.py
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from torch import Tensor, nn

from core.card import ID_LENGTH, read_verified
from core.errors import CheckpointError
from core.image_shape import GREY_28
from core.scores import Scores

FOLDER = "judge"
JUDGE_CARD = "judge.json"
WEIGHTS = "weights.safetensors"
REFERENCE = "reference.safetensors"
FEATURES = 64
BATCH = 500


class JudgeCard(BaseModel):
    """The `judge.json`: how a judge came about, and the digests that its files are verified against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: int
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
    """Two convolutions and two dense layers: 254,154 parameters for ten classes. It reads 28x28 grey images only."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=5, stride=2, padding=2, bias=False),  # [B, 32, 14, 14]
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, kernel_size=5, stride=2, padding=2, bias=False),  # [B, 64, 7, 7]
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(64 * 7 * 7, FEATURES),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, classes))

    @property
    def size(self) -> int:
        """Bytes of weights."""
        return sum(tensor.nbytes for tensor in self.state_dict().values())

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels 0..255 [B, 28, 28, 1] -> features [B, 64], the last hidden layer, and logits [B, classes]."""
        images = pixels.reshape(-1, GREY_28.channels, GREY_28.side, GREY_28.side)
        features = self.trunk(images.float().div(255.0))
        return features, self.head(features)


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
    judge = Judge(card.classes)
    try:
        judge.load_state_dict(parse_tensors(read_verified(folder, WEIGHTS, card.sha256)))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{folder / WEIGHTS}: does not hold the weights of a judge: {error}") from error
    return judge.eval().requires_grad_(False)
