"""As wrappers in production look: asserts that its tensors are on a GPU."""

from tests.planted.odd.base import Launch, functions_of, launch_tiles


def _run(launch: Launch) -> None:
    assert launch.buf.is_cuda and launch.page_indices.is_cuda, "expected tensors on a GPU"  # noqa: PT018
    launch_tiles(launch)


get_k_and_s, get_k, get_s = functions_of(_run)
