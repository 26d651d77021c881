"""Does the suite's README tell the rules that there are, each at its level?"""

import re

from tests import ROOT
from tests.contract import Rule


def test_the_rules_are_those_of_the_readme():
    table = (ROOT / "tests" / "README.md").read_text(encoding="utf-8").split("## The rules")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (trusting|safe|strict) \| (.*) \|$", table, flags=re.MULTILINE)
    assert len(lines) == 3
    for level, told in lines:
        numbers = {int(number) for number in re.findall(r"(?:^|[;,] )(\d+) ", told)}
        assert numbers == {rule.value for rule in Rule if rule.level.label == level}, level
