"""The page of a run, its JUnit XML and its JSON; the page also in a real browser, where there is one."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ci.options import parse
from ci.report import command
from ci.report.findings import WrongRow, findings, wrong_rows
from ci.report.junit import junit
from ci.report.page import page, worst
from ci.reports.decision import Decision
from tests import ROOT
from tests.self.ci.history.test_history_command import NEWER, store
from tests.self.ci.report.browser import CHROMIUM, Browser, browser
from tests.self.ci.report.made_reports import HOSTILE, REPORTS
from tests.self.consoles import console
from tests.self.latency.runs import series

PARTS = ("verdict", "findings", "kills", "latency", "history", "speed", "cost", "not-run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the page, the XML and the JSON of a run that was never made."""
    folder = tmp_path_factory.mktemp("run")
    for name, report in REPORTS.items():
        (folder / f"{name}.json").write_text(json.dumps(report))
    store(folder / "store", series(12, step_at=8))
    store(folder / "store", series(4, first=12, seed=3), NEWER)
    reports = [str(folder / f"{name}.json") for name in (*REPORTS, "absent")]
    outputs = ["--html", "page.html", "--junit", "junit.xml", "--json", "run.json", "--store", "store"]
    words = [str(folder / word) if place % 2 else word for place, word in enumerate(outputs)]
    _, options = parse(["report", *reports, *words])
    on, output = console()
    assert command.main(options, ["./ci/gate"], on) == 0, output.getvalue()
    assert "absent.json: the job did not get that far" in output.getvalue()
    return folder


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.open_tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and tag == "section"]
        if tag not in ("meta", "link", "wbr"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag


def test_one_well_formed_file_with_every_part(folder):
    text = (folder / "page.html").read_text()
    tags = _Tags(text)
    assert tags.open_tags == []
    assert tuple(tags.ids) == PARTS
    assert not {"script", "img", "iframe"} & tags.tags
    assert set(re.findall(r"url\((.)", text)) <= {"#"}, "a plot refers to its own parts"
    assert HOSTILE not in text
    assert len(text) < 1_000_000


def test_parts_that_there_is_nothing_of_are_left_out():
    tags = _Tags(page([REPORTS["cost"]]))
    assert tags.ids == ["verdict", "findings", "cost", "not-run"]


def test_planted_bugs_are_a_table_with_those_that_were_missed_above():
    text = page([REPORTS["kills"]])
    assert text.index("<h3>Missed</h3><ul><li>style/late</li></ul>") < text.index("<td>lengths 3</td>")
    assert "<p>clean</p>" in page([{"report": "kills", "verdict": "clean", "exit_code": 0}])


def test_a_latency_page_shows_cells_worst_first_and_why():
    text = page([REPORTS["latency"]])
    told = [text.index(name) for name in ("1x1m/get_k_and_s", "32x4k/get_k_and_s", "1x8k/get_k_and_s")]
    assert told == sorted(told)
    assert text.count('class="dot"') == 24
    assert "1 more: machine code and launch are identical" in text
    assert "INCONCLUSIVE &lt;script&gt;" in text
    assert "Nothing was measured." in page([{**REPORTS["latency"], "cells": []}])


def test_huge_changes_stay_on_the_plot():
    cell = {**REPORTS["latency"]["cells"][0], "ratio": 9.0, "interval": [8.0, 10.0]}
    assert 'style="left:100.0%"' in page([{**REPORTS["latency"], "cells": [cell]}])


def test_wrong_rows_are_read_from_a_finding():
    message = REPORTS["examination"]["findings"][0]["message"]
    assert wrong_rows(message) == [
        WrongRow(3, "K", "page 7 token 3", (7, 3), (2, 3)),
        WrongRow(64, "K", "never written", None, (5, 0)),
    ]
    assert wrong_rows("row 0 (sequence 0, token 0): S is page 1 token 2, should be zeros, since page 9 is none") == [
        WrongRow(0, "S", "page 1 token 2", (1, 2), None)
    ]
    assert wrong_rows("a write past the end") == []


def test_a_fault_is_shown_after_any_number_of_findings_of_another():
    rows = [
        {"rule": 4, "case": f"lengths/{n}", "function": "get_k", "fault": "wrong row", "message": "row"}
        for n in range(90)
    ]
    lost = {"rule": 11, "case": "pages/x", "function": "get_s", "fault": "GPU lost", "message": "an illegal access"}
    shown = findings([*rows, lost])
    assert shown.count("<details") == 2
    assert "rule 4, wrong row: lengths/0 and 89 more (get_k)" in shown
    assert "an illegal access" in shown


def test_findings_decide_before_what_is_undecided():
    assert worst(list(REPORTS.values())) is Decision.FINDINGS
    assert worst([{"exit_code": 2}, {"exit_code": 0}]) is Decision.UNDECIDED
    assert worst([{"exit_code": 0}]) is Decision.CLEAN
    assert worst([]) is Decision.UNDECIDED


def test_junit_counts_findings_errors_and_skips(folder):
    root = ElementTree.fromstring((folder / "junit.xml").read_text())
    suites = {suite.get("name"): suite for suite in root}
    counts = {
        name: tuple(suite.get(k) for k in ("tests", "failures", "errors", "skipped")) for name, suite in suites.items()
    }
    assert counts["examination"] == ("4", "2", "1", "1")
    assert counts["latency"] == ("5", "1", "1", "0")
    assert counts["speed"] == ("1", "0", "0", "0")
    assert ElementTree.fromstring(junit([{"report": "x\x00y", "exit_code": 2}]))[0].get("errors") == "1"


@pytest.mark.skipif(find_spec("jsonschema") is None, reason="jsonschema is not installed")
def test_the_json_keeps_its_written_schema(folder):
    import jsonschema  # type: ignore[import-untyped, unused-ignore]

    schema = json.loads((ROOT / "ci" / "report" / "report.schema.json").read_text())
    content = json.loads((folder / "run.json").read_text())
    jsonschema.validate(content, schema)
    assert [part["report"] for part in content["parts"]] == list(REPORTS)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, "exit_code": 3}, schema)


def test_reports_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text('{"x": 1}')
    reports, missing = command.read([tmp_path / "a.json", tmp_path / "b.json", tmp_path / "c.json"])
    assert reports == []
    assert [line.split(":")[0] for line in missing] == ["a.json", "b.json", "c.json"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
class TestBrowser:
    """The page as people see it."""

    @pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desk"])
    def test_every_part_is_there_and_nothing_is_asked_for(
        self, folder: Path, shown: Browser, width: int, is_dark: bool
    ) -> None:
        page = folder / "page.html"
        shown.show(page, width, is_dark=is_dark)
        heights = shown.value("[...document.querySelectorAll('section')].map(s => s.getBoundingClientRect().height)")
        assert len(heights) == len(PARTS)
        assert min(heights) > 30
        assert shown.value("document.documentElement.scrollWidth") <= width, "one scrolls sideways"
        visible = (
            "[...document.querySelectorAll('.mark, .label .SLOWER')].every(m => {{ const r = m.getBoundingClientRect();"
        )
        assert shown.value(visible.format() + f" return r.left >= 0 && r.right <= {width} }})"), (
            "a mark is off the screen"
        )
        red, green, _ = _colour(shown.value("getComputedStyle(document.body).backgroundColor"))
        assert (red + green < 100) is is_dark
        urls = {each["request"]["url"] for each in shown.of("Network.requestWillBeSent")}
        assert urls == {page.as_uri()}
        assert shown.of("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
        assert shown.value("document.title").startswith("findings: ")
        assert HOSTILE in shown.value("document.body.textContent")

    def test_text_contrasts_with_its_ground(self, folder: Path, shown: Browser) -> None:
        for is_dark in (False, True):
            shown.show(folder / "page.html", 390, is_dark=is_dark)
            ground = _luminance(shown.value("getComputedStyle(document.body).backgroundColor"))
            for what in ("p.faint", "summary .bad", ".label .FASTER", "p.open", "nav a", "body"):
                ink = _luminance(shown.value(f"getComputedStyle(document.querySelector({what!r})).color"))
                contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
                assert contrast >= 4.5, f"{what}, dark {is_dark}"

    def test_a_finding_opens_by_keyboard(self, folder: Path, shown: Browser) -> None:
        shown.show(folder / "page.html", 1280)
        closed = "document.querySelectorAll('#findings details')[1]"
        assert shown.value(f"{closed}.open") is False
        for _ in range(40):
            shown.press("Tab")
            if shown.value(f"document.activeElement === {closed}.querySelector('summary')"):
                break
        shown.press("Enter")
        assert shown.value(f"{closed}.open") is True

    def test_in_print_there_is_no_navigation_and_the_ground_is_white(self, folder: Path, shown: Browser) -> None:
        shown.show(folder / "page.html", 800, is_dark=True, media="print")
        assert shown.value("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert shown.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def _colour(told: str) -> tuple[int, int, int]:
    red, green, blue = told.removeprefix("rgb(").removesuffix(")").split(",")
    return int(red), int(green), int(blue)


def _luminance(told: str) -> float:
    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, _colour(told))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
