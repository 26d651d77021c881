"""Where proofs keep what they find out, below `.gate/`: by all that it depends on.

The host's code is run anew each time: which files it consists of, nobody knows for sure.
"""

import hashlib

import triton
import z3

from ci.processes import FOLDER
from tests import ROOT
from tests.instruments.proof.kept import Store

_DEPENDS_ON = ("tests/instruments/proof/*.py", "tests/instruments/triton_seams.py", "ci/prove/*.py")


def store() -> Store:
    """Return what was kept; of this process alone where nobody may write."""
    folder = FOLDER / "prove"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Store()
    return Store(folder / "kept.sqlite", _versions())


def _versions() -> str:
    """Return a hash of what proves: any change of it may change an answer."""
    paths = sorted(path for pattern in _DEPENDS_ON for path in ROOT.glob(pattern))
    digest = hashlib.sha256(f"{triton.__version__} {z3.get_version_string()}".encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
