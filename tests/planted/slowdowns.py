"""Slowdowns planted in copies of the kernels, to measure what the gate sees. Data.

Each does more of what kernels do, and none sleeps: further loads that the next depends on, pages read in vain, other
widths and warps. What they hold is compared with something that no table or pool of a benchmark contains, so results
stay right, which the compiler cannot know.
"""

from tests import ROOT
from tests.planted.edits import Change

_PAGE_IS_KNOWN = "    is_page = (page >= 0) & (page < num_pages)\n"
_KEYS_ARE_LOADED = "        k = tl.load(k_source, mask=is_key, other=0, eviction_policy=OF_SOURCE)\n"


def _slowdown(name: str, file: str, old: str, new: str) -> Change:
    return Change(name=name, path=ROOT / "kernels" / file, edits={old: new})


def _dependent_loads(count: int) -> Change:
    load = "    page += tl.minimum(tl.load(table_ptr + tl.minimum(page, 0)), 0)\n"
    return _slowdown(f"{count} dependent loads", "kernel.py", _PAGE_IS_KNOWN, load * count + _PAGE_IS_KNOWN)


def _more_pages(one_in: int) -> Change:
    next_page = "((page + 1) % num_pages - page) * (page_stride // UNIT_BYTES)"
    more = (
        "        if IN_ONE_PAGE and IN_WORDS:\n"
        f"            if tl.program_id(0) % {one_in} == 0:\n"
        f"                vain = tl.load(k_source + {next_page}, mask=is_key, other=0)\n"
        "                k = tl.where(vain == 0x7E5A5A7E, vain, k)\n"
    )
    return _slowdown(f"1 page more in {one_in} tiles", "kernel.py", _KEYS_ARE_LOADED, _KEYS_ARE_LOADED + more)


SLOWDOWNS = (
    _dependent_loads(2),
    _dependent_loads(4),
    _more_pages(16),
    _more_pages(8),
    _slowdown(
        "narrower loads",
        "kernel.py",
        "    KEY_ALIGNMENT: tl.constexpr = 16 if INDEX_HEAD_DIM % 16 == 0 else UNIT_BYTES\n",
        "    KEY_ALIGNMENT: tl.constexpr = UNIT_BYTES\n",
    ),
    _slowdown("other warps", "plan.py", "WARP_BYTES = 1_024\n", "WARP_BYTES = 4_096\n"),
)

IN_PLACE_SLOWDOWNS = (
    _slowdown(
        "page numbers behind lengths",
        "kernel.py",
        "        in_table = longest.to(COUNT) - first_token\n",
        "        length = _load_lengths(seq_lens_ptr, lengths_stride, sequence, True, longest, COUNT)\n"
        "        in_table = length - first_token\n",
    ),
    _slowdown(
        "early starts behind anybody",
        "launch.py",
        "    return torch.cuda.is_current_stream_capturing() and is_behind(stream, _leave_givers)\n",
        "    return torch.cuda.is_current_stream_capturing()\n",
    ),
)
"""Those that show most, or alone, where lengths are not in the L2 and the kernel ahead gives no leave."""
