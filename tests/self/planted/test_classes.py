"""Are planted bugs as many and as different as the kill table's rates claim?"""

import ast
import re
from collections import Counter

import pytest

from tests.planted.classes import CLASSES, PLANTED
from tests.planted.gathers import STYLES


def changed_lines(style: str, source: str) -> tuple[str, ...]:
    """Return the lines of a style that a source lacks, or else those that it has besides."""
    before, after = Counter(STYLES[style].source().splitlines()), Counter(source.splitlines())
    return tuple(sorted(((before - after) or (after - before)).elements()))


def test_there_are_two_hundred_in_six_styles_and_nine_classes():
    assert len(PLANTED) >= 200
    assert len(STYLES) == 6
    assert {bug.style for bug in PLANTED} == set(STYLES)
    assert {bug.kind for bug in PLANTED} == set(CLASSES)
    assert min(Counter(bug.style for bug in PLANTED).values()) >= 20


def test_no_two_share_class_style_and_replaced_line():
    places = Counter((bug.kind, bug.style, changed_lines(bug.style, bug.source())) for bug in PLANTED)
    assert [place for place, count in places.items() if count > 1] == []


def test_ids_are_unique():
    assert [name for name, count in Counter(bug.id for bug in PLANTED).items() if count > 1] == []


def test_all_can_be_parsed():
    for bug in PLANTED:
        ast.parse(bug.source(), bug.id)


def test_reports_are_a_project_and_a_number():
    assert [bug.report for bug in PLANTED if not re.fullmatch(r"|[\w.-]+/[\w.-]+#\d+", bug.report)] == []
    assert sum(bool(bug.report) for bug in PLANTED) > 100


def test_an_edit_that_no_longer_fits_names_its_bug():
    from dataclasses import replace

    with pytest.raises(ValueError, match=r"tile/stale: .* stands 0 times"):
        replace(PLANTED[0], name="stale", edits={"no such line": ""}).source()
