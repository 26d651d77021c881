"""Errors in one line: the one that names what happened."""

import pytest

from tests.calls.errors import exception_line, short

CUDA = """Traceback (most recent call last):
  File "x.py", line 1, in <module>
    raise
RuntimeError: CUDA error: out of luck
CUDA kernel errors might be asynchronously reported at some other API call.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (CUDA, "RuntimeError: CUDA error: out of luck"),
        (f"{CUDA}\nDuring handling:\n\n{CUDA.replace('out of luck', 'lost')}", "RuntimeError: CUDA error: lost"),
        ("Traceback (most recent call last):\n  File\nOddName\n", "OddName"),
        (
            "torch.AcceleratorError: CUDA error: no image\nCompile with x\n",
            "torch.AcceleratorError: CUDA error: no image",
        ),
        ("terminate called\nAborted\n\n", "Aborted"),
        (" \n", ""),
    ],
)
def test_the_line_that_names_the_error(text, line):
    assert exception_line(text) == line


def test_an_error_in_short():
    assert short(RuntimeError("CUDA error: x\nadvice")) == "RuntimeError: CUDA error: x"
    assert short(ValueError()) == "ValueError: (no text)"
