"""Empties the environment in its first call, and so takes away what Triton's interpreter is chosen by."""

import os

from tests.planted.odd.plain import once

get_k_and_s = once(os.environ.clear)
