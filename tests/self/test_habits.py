"""Are style and types clean? As before a commit, so that no commit brings others' hooks to a halt."""

import importlib.util

import pytest

from tests.self import commands


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=lambda words: "-".join(words[:2]),
)
def test_tool_has_nothing_to_say(command):
    tool, *arguments = command
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed: pip install --constraint constraints.txt {tool}")
    done = commands.python("-m", tool, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
