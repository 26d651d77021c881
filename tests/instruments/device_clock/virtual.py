"""A clock for pytest-benchmark that shows seconds measured elsewhere, such as on the GPU.

pytest-benchmark reads its timer before and after each round. This one stands still but for what it is advanced by, so
that a round lasts exactly as many seconds as were measured in it.
"""

import math
from collections.abc import Iterator
from typing import Any


class VirtualClock:
    """A timer for `@pytest.mark.benchmark(timer=...)`."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        return self._seconds

    def __repr__(self) -> str:
        return "VirtualClock"

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass.

        Raises:
            ValueError: they are no duration: not finite, or not more than 0.
        """
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"seconds: expected a finite number above 0, got {seconds}")
        self._seconds += seconds

    def run(self, benchmark: Any, seconds: Iterator[float], rounds: int) -> None:
        """Have pytest-benchmark take so many rounds, each as long as the next of some measured seconds.

        Args:
            benchmark: pytest-benchmark's fixture, of a test whose timer this clock is.
            seconds: measured when they are asked for, at least as many as rounds.
            rounds: of the benchmark.
        """
        benchmark.pedantic(lambda: self.advance(next(seconds)), rounds=rounds, iterations=1)
