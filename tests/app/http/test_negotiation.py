import pytest

from app.http.negotiation import choose, is_known
from app.images.formats import MEDIA_TYPES, STILL


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "png"),
        ("*/*", "png"),
        ("image/png", "png"),
        ("image/*", "png"),
        ("image/webp", "webp"),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "png"),  # equals: the first of ours
        ("text/html,application/xml;q=0.9,image/webp,*/*;q=0.8", "webp"),
        ("image/png;q=0.5, application/zip", "zip"),
        ("IMAGE/WebP ; Q=1.0", "webp"),
        ("application/json", "json"),
        ("application/x-npz", "npz"),
        ("application/octet-stream", "npz"),
        ("application/*", "zip"),
        ("*/*, image/png;q=0", "webp"),  # the more specific range counts, though the other is liked better
        ("image/*;q=0.9, image/png;q=0.1", "webp"),
        ("image/png;q=0", None),
        ("image/png;q=, image/webp;q=nan, application/zip;q=.", None),
        ("text/html", None),
        ("rubbish", None),
    ],
)
def test_accept_chooses_the_format(accept: str, expected: str | None) -> None:
    assert choose(accept, {name: MEDIA_TYPES[name] for name in STILL}) == expected


@pytest.mark.parametrize(
    ("if_none_match", "known"),
    [
        ("", False),
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", W/"y","abc"', True),
        ("*", True),
        ('"abcd"', False),
        ('"xabc"', False),
        ("abc", False),
        ('"x, "abc"', False),  # not a list of tags: its first is `"x, "`
        ('"x*"', False),
    ],
)
def test_if_none_match_is_a_list_of_tags_compared_weakly(if_none_match: str, known: bool) -> None:
    assert is_known([if_none_match], '"abc"') is known
    assert is_known(['"x"', if_none_match], '"abc"') is (known and if_none_match != "*")  # one header, or several


def test_without_the_header_nothing_is_known() -> None:
    assert not is_known([], '"abc"')
