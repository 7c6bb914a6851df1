"""What a client changes of a model's labels and note."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.http.problems import FieldProblem, not_accepted
from core.validation import Legible
from models.notes import Notes

MOST_LABELS = 32
MOST_NOTE = 2000  # characters
WORD = "[A-Za-z0-9]([A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?"

Label = Annotated[str, StringConstraints(pattern=f"^{WORD}$")]
Value = Annotated[str, StringConstraints(pattern=f"^({WORD})?$")]
Note = Annotated[Legible, StringConstraints(max_length=MOST_NOTE)]


class NotesPatch(BaseModel):
    """A merge patch (RFC 7396): what is left out stays as it is, and null removes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"labels": {"stage": "candidate", "sharp": "", "old": None}, "note": "for 7s"}]
        },
    )

    labels: dict[Label, Value | None] | None = Field(
        None, description="Words with their values; '' is the word alone. Null removes a label, or all of them."
    )
    note: Note | None = None

    def apply(self, before: Notes) -> Notes:
        """The notes afterwards. Raises ProblemError (422) for too many labels."""
        labels, note = before.labels, before.note
        if "labels" in self.model_fields_set:
            merged = {**before.labels, **self.labels} if self.labels is not None else {}
            labels = {word: value for word, value in sorted(merged.items()) if value is not None}
        if "note" in self.model_fields_set:
            note = self.note or ""
        if len(labels) > MOST_LABELS:
            detail = f"the model would have {len(labels)} labels; allowed: {MOST_LABELS}"
            raise not_accepted([FieldProblem(pointer="/labels", detail=detail, value=len(labels))])
        return Notes(labels=labels, note=note)
