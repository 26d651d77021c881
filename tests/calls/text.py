"""Text that others wrote, made harmless: it can neither steer a terminal nor a CI's log, nor hide what it says."""

import re
import unicodedata
from typing import Any

_ODD = re.compile(r"[^\n\t -~]")
# GitHub's runner takes such lines for commands, the second kind wherever it stands.
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"##(?=\[)")


def harmless(text: str) -> str:
    """Return text in which control and format characters stand as their escapes, and nothing is a workflow command.

    Escapes of terminals, carriage returns, bidirectional marks and characters without width are such; line ends and
    tabs stay.
    """
    text = _ODD.sub(lambda odd: _visible(odd[0]), text)
    return _OLD_COMMAND.sub("# #", _COMMAND.sub(r"\1: ", text))


def harmless_values(value: Any) -> Any:
    """Return a JSON value in which every text, names included, is harmless."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, dict):
        return {harmless_values(name): harmless_values(item) for name, item in value.items()}
    return [harmless_values(item) for item in value] if isinstance(value, list | tuple) else value


def _visible(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
