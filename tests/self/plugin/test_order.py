"""Do long tests start early, on every worker? The order in which xdist's scheduler gets them."""

import pytest
from xdist.scheduler.worksteal import WorkStealingScheduling

from tests.plugin.order import as_named, dealt


@pytest.mark.parametrize("light_first", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 22, 307])
def test_each_worker_begins_with_its_share_of_the_heaviest_or_lightest(pytestconfig, count, workers, light_first):
    items = [(7 * i) % max(count, 1) for i in range(count)]
    order = dealt(items, lambda item: item, workers, light_first=light_first)
    assert sorted(order) == sorted(items)
    for stretch in stretches_of(order, workers, pytestconfig):
        assert stretch == sorted(stretch, reverse=not light_first)
        # Of any number of those that come first, no worker has more than its share.
        for count_of_first in range(workers, len(stretch)):
            first = sorted(items, reverse=not light_first)[:count_of_first]
            assert len({*first} & {*stretch}) <= -(-count_of_first // workers)


def test_equals_keep_their_order():
    assert dealt(["a", "b", "c", "d"], lambda item: 0, 1) == ["a", "b", "c", "d"]
    assert dealt(["a", "b", "c", "d"], lambda item: 0, 2) == ["a", "c", "b", "d"]


class FakeWorker:
    """Notes what the scheduler sends it."""

    shutting_down = False

    def __init__(self, name):
        self.gateway = self
        self.id = name
        self.sent = []

    def send_runtest_some(self, indices):
        self.sent += indices

    def shutdown(self):
        self.shutting_down = True


def stretches_of(order, workers, config):
    """Return what xdist gives each worker at first."""
    config = FakeConfig(config, workers)
    scheduler = WorkStealingScheduling(config)
    nodes = [FakeWorker(f"gw{index}") for index in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        scheduler.add_node_collection(node, [str(index) for index in range(len(order))])
    scheduler.schedule()
    return [[order[index] for index in node.sent] for node in nodes]


class FakeConfig:
    """The workers of a run, besides its real configuration."""

    def __init__(self, config, workers):
        self._config = config
        self._workers = workers

    def getvalue(self, name):
        return ["popen"] * self._workers if name == "tx" else self._config.getvalue(name)

    def __getattr__(self, name):
        return getattr(self._config, name)


def test_items_come_in_the_order_of_their_patterns():
    items = ["a/1", "b/1", "b/2", "c/1"]
    assert as_named(items, str, ["b/*", "a/1"]) == ["b/1", "b/2", "a/1", "c/1"]
