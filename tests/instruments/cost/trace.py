"""What requests of growing sizes compile."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from tests.calls.inputs import Arguments
from tests.cases.growth import Request
from tests.instruments.cost.recording import compiled_variants, recorded_launches
from tests.instruments.cost.variants import Variant


def variants_of_requests(call: Callable[..., Any], requests: Iterable[Request], device: torch.device) -> list[Variant]:
    """Return what Triton compiles for a sequence of calls, each variant once, in the order of their first use.

    On the CPU the launches are recorded and not run. On a GPU they are run, and what was compiled earlier in the
    process is not counted.

    Args:
        call: a function of an implementation.
        requests: the sizes of each call, production's in all else.
        device: where the arguments live.
    """
    variants: dict[Variant, None] = {}
    for request in requests:
        arguments = arguments_of(request, device)
        if device.type == "cpu":
            with recorded_launches(execute=False) as launches:
                call(*arguments)
            variants.update((variant, None) for launch in launches for variant in launch.variants)
        else:
            with compiled_variants() as compiled:
                call(*arguments)
            variants.update((variant, None) for variant in compiled)
    return list(variants)


def arguments_of(request: Request, device: torch.device) -> Arguments:
    """Return arguments of the sizes of a request: a pool of anything, a table that names page 0 throughout."""
    buf = torch.empty((request.num_pages, request.page_bytes), dtype=torch.uint8, device=device)
    # NumPy's zeros take no room until they are touched.
    table = torch.from_numpy(np.zeros((len(request.seq_lens), request.table_width), dtype=np.int32)).to(device)
    lengths = torch.tensor(request.seq_lens, dtype=torch.int64, device=device)
    total, longest = sum(request.seq_lens), max(request.seq_lens)
    return Arguments(buf, table, lengths, total, longest, request.page_size, request.index_head_dim)


def what_differs(variants: Iterable[Variant]) -> str:
    """Return what distinguishes variants, in words: constants and types of parameters with how many each has taken."""
    by_kernel: dict[str, list[Variant]] = {}
    for variant in variants:
        by_kernel.setdefault(variant.name, []).append(variant)
    told = []
    for name, alike in by_kernel.items():
        parameters = list(alike[0].signature)
        values: dict[str, set[str]] = {}
        for variant in alike:
            for parameter, type_ in variant.signature.items():
                values.setdefault(f"the type of {parameter}", set()).add(str(type_))
            for place, value in variant.constants.items():
                values.setdefault(parameters[place[0]], set()).add(repr(value))
        changing = [f"{what} ({len(taken)})" for what, taken in values.items() if len(taken) > 1]
        told.append(f"{name}: " + (", ".join(changing) or "what Triton knows of values and addresses"))
    return "; ".join(told)
