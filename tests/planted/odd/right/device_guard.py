"""A device guard round the launch, so that a pool on another GPU than the current one is served there."""

import torch

from tests.planted.odd.base import Launch, functions_of, launch_tiles


def _run(launch: Launch) -> None:
    with torch.cuda.device(launch.buf.device):
        launch_tiles(launch)


get_k_and_s, get_k, get_s = functions_of(_run)
