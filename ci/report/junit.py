"""The reports of a run as JUnit XML, for tools that show test results."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from ci.report.page import not_run_of
from tests.calls.text import harmless


def junit(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return a suite a job, with a failure a finding or slower cell, an error for what is undecided, and skips."""
    root = ElementTree.Element("testsuites")
    for report in reports:
        suite = ElementTree.SubElement(root, "testsuite", name=_told(str(report.get("report", "?"))))
        suite.set("time", str(report.get("seconds", 0)))
        _fill(suite, report)
        for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(kind, str(len(list(suite.iter(tag)))))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _fill(suite: ElementTree.Element, report: Mapping[str, Any]) -> None:
    for finding in report.get("findings", ()):
        name = str(finding.get("case") or finding.get("figure") or "finding")
        about = f"rule {finding['rule']} {finding.get('function', '')}" if "rule" in finding else name
        _case(suite, name, "failure", about, str(finding.get("message", "")))
    for cell in report.get("cells", ()):
        if isinstance(cell, Mapping) and "verdict" in cell:
            tag = {"SLOWER": "failure", "INCONCLUSIVE": "error"}.get(cell["verdict"], "")
            _case(suite, str(cell["cell"]), tag, str(cell["verdict"]), str(cell.get("reason", "")))
    for item in report.get("undecided", ()):
        of = item if isinstance(item, Mapping) else {"reason": item}
        _case(suite, str(of.get("case") or "undecided"), "error", "could not decide", str(of.get("reason", "")))
    for reason, number in not_run_of(report).items():
        _case(suite, f"{number} not run", "skipped", str(reason), "")
    if not len(suite):
        tag = {0: "", 1: "failure"}.get(report.get("exit_code", 2), "error")
        _case(suite, "whole", tag, str(report.get("verdict", "undecided")), "")


def _case(suite: ElementTree.Element, name: str, tag: str, message: str, body: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", name=_told(name), classname=suite.get("name", ""))
    if tag:
        ElementTree.SubElement(case, tag, message=_told(message)).text = _told(body)


def _told(value: str) -> str:
    return "".join(c for c in harmless(value) if c >= " " or c in "\n\t")
