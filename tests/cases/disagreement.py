"""Host and device disagree. What the rows hold is open; memory outside arguments and results is not."""

from tests.cases.case import Case, family
from tests.cases.plan import INT32_MAX, INT64_MAX, INT64_MIN

QUESTION = "memory"

HOST = (100, 65, 30)

CASES = family(
    "disagreement",
    [
        Case(name="device-larger-by-one", rules=(13,), seq_lens=HOST, device_seq_lens=(101, 66, 31)),
        Case(name="device-larger-by-a-block", rules=(13,), seq_lens=HOST, device_seq_lens=(400, 321, 290)),
        Case(name="device-past-the-table", rules=(13,), seq_lens=HOST, device_seq_lens=(100, 65, 10_000)),
        Case(
            name="device-past-the-table-last",
            rules=(13,),
            seq_lens=HOST,
            spare_columns=0,
            device_seq_lens=(0, 0, 10_000),
        ),
        Case(name="device-huge-twice", rules=(13,), seq_lens=HOST, device_seq_lens=(INT64_MAX, INT64_MAX, 30)),
        Case(name="device-huge", rules=(13,), seq_lens=HOST, device_seq_lens=(100, INT64_MAX, 30)),
        Case(
            name="device-huge-int32",
            rules=(13,),
            seq_lens=HOST,
            lens_dtype="int32",
            device_seq_lens=(INT32_MAX, INT32_MAX, INT32_MAX),
        ),
        Case(name="device-smaller", rules=(13,), seq_lens=HOST, device_seq_lens=(99, 1, 0)),
        Case(name="device-all-empty", rules=(13,), seq_lens=HOST, device_seq_lens=(0, 0, 0)),
        Case(name="device-negative", rules=(13,), seq_lens=HOST, device_seq_lens=(-1, 65, 30)),
        Case(name="device-very-negative", rules=(13,), seq_lens=HOST, device_seq_lens=(100, INT64_MIN, -7)),
        Case(name="device-larger-batch-33", rules=(13,), seq_lens=(9,) * 33, device_seq_lens=(80,) * 33),
        Case(
            name="device-negative-first-of-many", rules=(13,), seq_lens=(9,) * 33, device_seq_lens=(-500,) + (30,) * 32
        ),
        Case(name="sum-too-small-by-one", rules=(13,), seq_lens=HOST, seq_len_sum_error=-1),
        Case(name="sum-too-small-by-a-page", rules=(13,), seq_lens=HOST, seq_len_sum_error=-64),
        Case(name="sum-zero", rules=(13,), seq_lens=HOST, seq_len_sum_error=-sum(HOST)),
        Case(name="sum-too-large-by-one", rules=(13,), seq_lens=HOST, seq_len_sum_error=1),
        Case(name="sum-too-large-by-a-block", rules=(13,), seq_lens=HOST, seq_len_sum_error=300),
        Case(name="max-too-small-by-one", rules=(13,), seq_lens=HOST, max_seq_len_error=-1),
        Case(name="max-too-small-by-a-page", rules=(13,), seq_lens=HOST, max_seq_len_error=-64),
        Case(name="max-zero", rules=(13,), seq_lens=HOST, max_seq_len_error=-100),
        Case(name="page-1-device-larger", rules=(13, 9), seq_lens=(7, 5), page_size=1, device_seq_lens=(70, 50)),
    ],
)
