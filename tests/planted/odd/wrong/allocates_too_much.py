"""Asks for an exbibyte of memory, beyond a page."""

import torch

from tests.planted.odd.plain import right_up_to_a_page

get_k_and_s = right_up_to_a_page(lambda: torch.empty(1 << 60, dtype=torch.uint8))
