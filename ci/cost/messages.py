"""How the two processes of a count talk to the one that started them: a JSON object a line, on standard output."""

import json
import os
import sys
from typing import Any, TextIO


def open_messages() -> TextIO:
    """Return where messages go, and send what else the process prints to standard error: it may be anybody's code."""
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return messages


def send(messages: TextIO, **content: Any) -> None:
    """Send one message at once."""
    messages.write(json.dumps(content) + "\n")
    messages.flush()
