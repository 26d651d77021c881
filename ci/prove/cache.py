"""Answers of earlier runs, below `.gate/`: by a hash of all that they depend on.

The host's code is run anew each time: which files it consists of, nobody knows for sure.
"""

import hashlib
import json
from functools import cache
from typing import Any

import triton
import z3

from ci.processes import FOLDER
from tests import ROOT
from tests.calls import files

_DEPENDS_ON = ("tests/instruments/proof/*.py", "tests/instruments/triton_seams.py", "ci/prove/*.py")


@cache
def _versions() -> str:
    """Return a hash of what proves: any change of it may change an answer."""
    paths = sorted(path for pattern in _DEPENDS_ON for path in ROOT.glob(pattern))
    digest = hashlib.sha256(f"{triton.__version__} {z3.get_version_string()}".encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def key_of(*parts: Any) -> str:
    """Return the key of an answer that depends on these parts."""
    return hashlib.sha256("\0".join([_versions(), *map(str, parts)]).encode()).hexdigest()


class Cache:
    """Answers by their keys."""

    def __init__(self) -> None:
        self._folder = FOLDER / "prove"

    def read(self, key: str) -> Any:
        """Return an answer; None where there is none."""
        try:
            return json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))["answer"]
        except (OSError, ValueError, KeyError):
            return None

    def write(self, key: str, answer: Any) -> None:
        """Keep an answer, if the project lies where one may write."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            files.write_json(self._folder / f"{key}.json", {"answer": answer})
        except (OSError, files.NotWritten):
            return
