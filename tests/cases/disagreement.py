"""Host and device disagree. What the rows hold is open; memory outside arguments and results is not."""

from typing import Any

from tests.cases.case import Case, family
from tests.cases.plan import INT32_MAX, INT64_MAX, INT64_MIN

QUESTION = "memory"

HOST = (100, 65, 30)


def _host(name: str, *device_seq_lens: int, **more: Any) -> Case:
    """Return a case in which the device holds other lengths than the host believes, or the host's numbers are off."""
    return Case(name=name, rules=(13,), seq_lens=HOST, device_seq_lens=device_seq_lens or None, **more)


CASES = family(
    "disagreement",
    [
        _host("device-larger-by-one", 101, 66, 31),
        _host("device-larger-by-a-block", 400, 321, 290),
        _host("device-past-the-table", 100, 65, 10_000),
        _host("device-past-the-table-last", 0, 0, 10_000, spare_columns=0),
        _host("device-huge-twice", INT64_MAX, INT64_MAX, 30),
        _host("device-huge", 100, INT64_MAX, 30),
        _host("device-huge-int32", INT32_MAX, INT32_MAX, INT32_MAX, lens_dtype="int32"),
        _host("device-smaller", 99, 1, 0),
        _host("device-all-empty", 0, 0, 0),
        _host("device-negative", -1, 65, 30),
        _host("device-very-negative", 100, INT64_MIN, -7),
        Case(name="device-larger-batch-33", rules=(13,), seq_lens=(9,) * 33, device_seq_lens=(80,) * 33),
        Case(
            name="device-negative-first-of-many", rules=(13,), seq_lens=(9,) * 33, device_seq_lens=(-500,) + (30,) * 32
        ),
        _host("sum-too-small-by-one", seq_len_sum_error=-1),
        _host("sum-too-small-by-a-page", seq_len_sum_error=-64),
        _host("sum-zero", seq_len_sum_error=-sum(HOST)),
        _host("sum-too-large-by-one", seq_len_sum_error=1),
        _host("sum-too-large-by-a-block", seq_len_sum_error=300),
        _host("max-too-small-by-one", max_seq_len_error=-1),
        _host("max-too-small-by-a-page", max_seq_len_error=-64),
        _host("max-zero", max_seq_len_error=-100),
        Case(name="page-1-device-larger", rules=(13, 9), seq_lens=(7, 5), page_size=1, device_seq_lens=(70, 50)),
    ],
)
