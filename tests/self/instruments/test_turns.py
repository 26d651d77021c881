"""The order of sides, which everything that is said about speed rests on."""

import random
from statistics import mean

from tests.instruments.device_clock.turns import REPLAYS, blocks, replayed, there_and_back


class DriftingClock:
    """Sides of equal speed, on a machine that becomes slower from replay to replay."""

    def __init__(self):
        self.order: list[str] = []

    def round(self, order):
        self.order += order
        return [1.0 + 0.01 * number for number in range(len(order))]


def test_every_second_round_is_reversed():
    assert there_and_back("abc", 3) == list("abccbaabc")


def test_blocks_begin_with_either_side():
    order = blocks(50, random.Random(1))
    each = [tuple(order[start : start + 4]) for start in range(0, len(order), 4)]
    assert set(each) == {(0, 1, 1, 0), (1, 0, 0, 1)}


def test_seconds_are_kept_by_label_in_the_order_of_measurement():
    clock = DriftingClock()
    told = replayed(clock, [("a", "copy"), ("b", "copy"), ("a", "own")])
    assert clock.order == ["copy", "copy", "own"]
    assert told == {"a": [1.0, 1.02], "b": [1.01]}


def test_drift_hits_all_sides_alike():
    assert REPLAYS % 2 == 0
    told = replayed(DriftingClock(), [(name, name) for name in there_and_back("abc", REPLAYS)])
    assert len({round(mean(seconds), 9) for seconds in told.values()}) == 1
    one_way = replayed(DriftingClock(), [(name, name) for name in "abc" * REPLAYS])
    assert len({round(mean(seconds), 9) for seconds in one_way.values()}) == 3
