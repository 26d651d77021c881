"""pytest's part of the harness is `tests/plugin/`."""

pytest_plugins = ["tests.plugin.hooks", "tests.plugin.fixtures"]
