"""Which parts of each model a list shows: `fields=id,labels,scores`."""

from typing import Any

from app.http.problems import FieldProblem, not_accepted
from app.shelf.views import ModelPage, ModelView, PartialModelPage
from core.card import Card

OF_MODEL, OF_CARD = tuple(ModelView.model_fields), tuple(Card.model_fields)


class Fields:
    """Parts of a model. Those of its card stand in `card`, as they do where all is shown."""

    def __init__(self, text: str) -> None:
        """`text` has the names, with commas between. Raises ProblemError (422) for one that is none."""
        names = {name.strip() for name in text.split(",")}
        if unknown := names - {*OF_MODEL, *OF_CARD}:
            detail = f"no part of a model: {', '.join(sorted(unknown))}; allowed: {', '.join((*OF_MODEL, *OF_CARD))}"
            raise not_accepted([FieldProblem(parameter="fields", detail=detail, value=text)])
        self._of_model, self._of_card = names.intersection(OF_MODEL), names.intersection(OF_CARD)

    def of_page(self, page: ModelPage) -> PartialModelPage:
        """A page with nothing else of its models."""
        return PartialModelPage(**{**dict(page), "data": [self._of(model) for model in page.data]})

    def _of(self, model: ModelView) -> dict[str, Any]:
        shown = model.model_dump(mode="json", include=self._of_model)
        if self._of_card and "card" not in shown:
            shown["card"] = model.card.model_dump(mode="json", include=self._of_card)
        return shown
