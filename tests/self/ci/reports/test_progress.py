"""How far a job is, where there is no terminal."""

from ci.reports import progress
from ci.reports.progress import Steps
from tests.self.consoles import console


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_at_every_tenth_and_after_ten_seconds_of_silence(monkeypatch):
    clock, (on, output) = Clock(), console()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    steps = Steps(on, began=98.0)
    for done in range(1, 51):
        clock.now += 0.5
        steps.at(f"{done // 50} findings", done, 100)
        steps.tick()
    said = output.getvalue().splitlines()
    assert said == [f"{done} of 100, 0 findings, {2 + done // 2} s" for done in (10, 20, 30, 40)] + [
        "50 of 100, 1 findings, 27 s"
    ]
    for _ in range(25):
        clock.now += 1
        steps.tick()
    assert output.getvalue().splitlines()[5:] == ["50 of 100, 1 findings, 37 s", "50 of 100, 1 findings, 47 s"]
