import pytest

from core.masking import masked

KEY = "df_a1B2c3D4_" + "x7Yq" * 8 + "0kZz9a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {KEY} refused", "key df_a1B2c3D4_*** refused"),
        (f"/generate?n=1&key={KEY}&seed=3", "/generate?n=1&key=***&seed=3"),
        ("df_mistyped0000000000000000000000", "df_***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
        (f"headers: {{'Authorization': 'Bearer {KEY}'}}", "headers: {'Authorization': '***'}"),
        ("[(b'authorization', b'Basic dXNlcjpwYXNz')]", "[(b'authorization', b'***')]"),
        ("Bearer abc.def", "Bearer ***"),
        (
            "Error 111 connecting to redis://:p%40ss@localhost:6379/0",
            "Error 111 connecting to redis://:***@localhost:6379/0",
        ),
        ("rediss://user:p:a@ss@host:1/0", "rediss://user:***@host:1/0"),
        ("GET /x?api_key=abc&access_token=d", "GET /x?api_key=***&access_token=***"),
    ],
)
def test_a_secret_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    ["df_a1B2c3D4 was revoked", "http://127.0.0.1:8000/generate?seed=3", "job 0a1b: attempt 1", "a df_ of 3", "key=3"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text
