"""The text of a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.key import ID_PLACE, PATTERN, holds_key, is_key, new_id, new_key

KEY = new_key("0123abcd").encode()


def test_a_key_names_its_id() -> None:
    key_id = new_id()
    key = new_key(key_id)
    assert PATTERN.fullmatch(key.encode())
    assert key[ID_PLACE] == key_id
    assert is_key(key.encode())


def test_no_two_keys_are_alike() -> None:
    assert len({new_key("0123abcd") for _ in range(1000)}) == 1000


@given(st.integers(0, len(KEY) - 1), st.sampled_from(b"0aZ_-x"))
def test_one_wrong_character_is_told(place: int, wrong: int) -> None:
    changed = KEY[:place] + bytes([wrong]) + KEY[place + 1 :]
    assert is_key(changed) == (changed == KEY)


@given(st.binary(max_size=60))
def test_other_texts_are_no_keys(text: bytes) -> None:
    assert not is_key(text)


@pytest.mark.parametrize("around", ["{}", "key={}", "a=1&b={}&c=2", "df_{}"])
def test_a_key_is_found_in_other_text(around: str) -> None:
    assert holds_key(around.format(KEY.decode()).encode())
    assert not holds_key(around.format(KEY.decode()[:-1]).encode())
