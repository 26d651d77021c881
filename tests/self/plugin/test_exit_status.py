"""Does a run whose pytest failed say so, whatever pytest and pytest-xdist make of it?"""

import pytest

from tests.self.inner_pytest import run_pytest
from tests.self.plugin import raising_hooks

HOOKS = [name.removeprefix("pytest_") for name in vars(raising_hooks) if name.startswith("pytest_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_an_error_in_a_workers_hook_ends_the_run_with_3(hook, tmp_path):
    run = run_pytest(
        *("tests/self/test_contract.py", "-n", "1", "-q", "-p", raising_hooks.__name__, "--device", "cpu"),
        folder=tmp_path,
        environment={raising_hooks.HOOK: hook},
    )
    assert run.status == pytest.ExitCode.INTERNAL_ERROR, run.output


def test_a_run_without_an_error_ends_with_0(tmp_path):
    run = run_pytest(
        *("tests/self/test_contract.py", "-n", "1", "-q", "-p", raising_hooks.__name__, "--device", "cpu"),
        folder=tmp_path,
    )
    assert run.status == pytest.ExitCode.OK, run.output
