"""What settings are made of: durations, secrets, unknown keys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spendwatt.settings import Secret, SettingsModel, duration_text, parse_duration


class Example(SettingsModel):
    """A group of settings with a secret that is needed and one that is not."""

    key: Secret
    other: Secret | None = None


@given(st.integers(1, 10**9))
@settings(deadline=None, max_examples=100)
def test_a_duration_is_read_back_as_it_was_written(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds)
    assert parse_duration(duration_text(span)) == span


@pytest.mark.parametrize("text", ["", "0s", "-1h", "1", "h", "1 y", "1h30m", "1e3s", "٣s"])
def test_what_is_no_duration_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="ms, s, m, h, d or w"):
        parse_duration(text)


def test_secrets_are_found_by_their_kind() -> None:
    assert Example.secret_names() == ["key", "other"]


def test_a_secret_is_read_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s3cret\n", encoding="utf-8")
    example = Example.model_validate({"key_file": str(file)})
    assert example.key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(example)


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "is empty"), (b"\xff", "not UTF-8"), (None, "cannot be read")]
)
def test_a_file_without_a_secret_is_told_by_its_key(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValidationError, match=f"key_file.*{says}"):
        Example.model_validate({"key_file": str(file)})


def test_a_secret_that_is_needed_is_missed_by_its_name() -> None:
    with pytest.raises(ValidationError) as caught:
        Example.model_validate({"keys": "x"})
    assert {error["loc"] for error in caught.value.errors()} == {("key",), ("keys",)}
