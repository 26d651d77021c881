"""Text that others wrote can do nothing where it is shown."""

import pytest

from tests.calls.text import harmless, harmless_values


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("row 3: µs ≤ 1 é 語", "row 3: µs ≤ 1 é 語"),
        ("two\n\tlines", "two\n\tlines"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("wrong\rright", "wrong\\x0dright"),
        ("a\u202eb\u2066c\u200fd\u061ce", "a\\u202eb\\u2066c\\u200fd\\u061ce"),
        ("a\u200bb\ufeffc\U000e0041", "a\\u200bb\\ufeffc\\U000e0041"),
        ("a\u2028b\x85c\ud800", "a\\u2028b\\x85c\\ud800"),
        ("::error::no", ": :error::no"),
        ("a\n  ::set-output name=x::y", "a\n  : :set-output name=x::y"),
        ("\v::error::no", "\\x0b::error::no"),
        ("a ##[error]no", "a # #[error]no"),
        ("tests/x.py::test_y[a::b]", "tests/x.py::test_y[a::b]"),
    ],
)
def test_what_is_shown(text, shown):
    assert harmless(text) == shown
    assert harmless(shown) == shown


def test_values_of_all_depths_and_names():
    value = {"\x1b": [1, None, ("::a::", {"b": "\r"})]}
    assert harmless_values(value) == {"\\x1b": [1, None, [": :a::", {"b": "\\x0d"}]]}
