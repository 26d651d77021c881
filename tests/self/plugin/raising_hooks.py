"""A plugin of an inner pytest whose hooks raise, in workers, where the environment says so."""

import os

HOOK = "RAISE_IN_HOOK"


def _raise_in(hook: str) -> None:
    if os.environ.get(HOOK) == hook and "PYTEST_XDIST_WORKER" in os.environ:
        raise RuntimeError(f"planted in {hook}")


def pytest_sessionstart() -> None:
    _raise_in("sessionstart")


def pytest_collection_modifyitems() -> None:
    _raise_in("collection_modifyitems")


def pytest_runtest_logstart() -> None:
    _raise_in("runtest_logstart")


def pytest_runtest_protocol() -> None:
    _raise_in("runtest_protocol")


def pytest_runtest_logreport() -> None:
    _raise_in("runtest_logreport")


def pytest_sessionfinish() -> None:
    _raise_in("sessionfinish")
