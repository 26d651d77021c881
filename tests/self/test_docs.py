"""Is what the documents say there: files, links, commands and their options?"""

import os
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from tests import ROOT
from tests.self import commands
from tests.self.recipes import NEW_FILE, blocks, outside_of_fences

TRACKED = frozenset(commands.project_files())
FOLDERS = frozenset(str(parent) for path in TRACKED for parent in Path(path).parents)
DOCUMENTS = sorted(path for path in TRACKED if path.endswith(".md") and path != "CHANGELOG.md")
TEXTS = {path: (ROOT / path).read_text(encoding="utf-8") for path in DOCUMENTS}
STARTS = ("./ci/gate", "./ci/test", "pytest", "python -m ", "python3 -m ")


def commands_in(text: str) -> list[str]:
    """Return the commands of this project that a document names, in consoles and between backticks."""
    consoles = [
        line.removeprefix("$ ").split("  #")[0].strip()
        for block in blocks(text)
        if block.language == "console"
        for line in block.text.splitlines()
    ]
    spans = re.findall(r"`([^`]+)`", "\n".join(outside_of_fences(text)))
    parts = [part.strip() for command in [*consoles, *spans] for part in command.split("&&")]
    return [part for part in parts if part.startswith(STARTS)]


def files_in(text: str) -> set[str]:
    """Return what a document names between backticks as files or folders; a recipe's new files and `my_*` are not."""
    new = {match[1] for block in blocks(text) if (match := NEW_FILE.search(block.prose))}
    spans = re.findall(r"`([\w.*-]+(?:/[\w.*-]*)*)`", "\n".join(outside_of_fences(text)))
    tops = {path.split("/")[0] for path in TRACKED if "/" in path}
    named = {
        span
        for span in spans
        if span.split("/")[0] in tops or re.search(r"\.(py|md|json|toml|yml)$", span) or span.endswith("/")
    }
    return {span for span in named - new if not span.startswith(("my_", ".gate", ".venv"))}


def is_there(named: str, document: str) -> bool:
    """Whether a file or folder lies in the project, seen from its root or from the document's folder."""
    name = named.rstrip("/")
    here = str(Path(document).parent / name)
    return any(
        candidate in TRACKED | FOLDERS or ("*" in candidate and any(Path(path).match(candidate) for path in TRACKED))
        for candidate in (name, here)
    )


def slug(heading: str) -> str:
    """Return the anchor that a heading has on a Git host's page."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def fault_of(command: str) -> str | None:
    """Return what is wrong with a command that a document names, or None."""
    words = shlex.split(command)
    if words[0] == "./ci/gate":
        job = words[1] if len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]) else None
        known = help_of_gate(job)
        return _unknown(words[1 + bool(job) :], known, command) if known else f"the gate has no job {job}"
    if words[0] == "./ci/test":
        return _unknown(words[1:], help_of_pytest(), command)
    if words[0] == "pytest":
        absent = [word for word in words[1:] if word.startswith("tests") and not is_there(word, "README.md")]
        return f"{absent[0]} is not there" if absent else _unknown(words[1:], help_of_pytest(), command)
    module = words[2].replace(".", "/")
    path = next((path for path in (f"{module}.py", f"{module}/__main__.py") if path in TRACKED), None)
    if path is None:
        return f"there is no module {words[2]}"
    return _unknown(words[3:], (ROOT / path).read_text(encoding="utf-8"), command)


def _unknown(words: list[str], known: str, command: str) -> str | None:
    options = [word.split("=")[0] for word in words if word.startswith("-")]
    unknown = [option for option in options if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", known)]
    return f"{command}: {unknown[0]} is not an option" if unknown else None


@cache
def help_of_gate(job: str | None) -> str:
    """Return what `--help` says of a job, nothing if there is no such job."""
    told = commands.gate(*([job] if job else []), "--help")
    names_it = job is None or re.match(rf"usage: gate {job}\b", told.stdout)
    return told.stdout if told.returncode == 0 and names_it else ""


@cache
def help_of_pytest() -> str:
    return commands.python("-m", "pytest", "--help", COLUMNS="120").stdout


def test_the_readme_is_short():
    assert len(TEXTS["README.md"].splitlines()) <= 150


def test_few_rows_say_what_to_run():
    table = TEXTS["CONTRIBUTING.md"].split("| you changed | run |")[1].split("\n\n")[0]
    assert len(table.strip().splitlines()) - 1 < 10


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    for text, target in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", "\n".join(outside_of_fences(TEXTS[document]))):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        linked = os.path.normpath(Path(document).parent / path) if path else document
        assert linked in TRACKED | FOLDERS, f"[{text}]({target})"
        if anchor:
            headings = [line for line in outside_of_fences(TEXTS[linked]) if line.startswith("#")]
            assert anchor in map(slug, headings), f"[{text}]({target})"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_are_there(document):
    assert [named for named in sorted(files_in(TEXTS[document])) if not is_there(named, document)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_are_understood(document):
    assert [fault for command in commands_in(TEXTS[document]) if (fault := fault_of(command))] == []


def test_the_documents_name_commands_and_files():
    assert len(commands_in(TEXTS["README.md"])) > 10
    assert len(commands_in(TEXTS["CONTRIBUTING.md"])) > 10
    assert len(files_in(TEXTS["CONTRIBUTING.md"])) > 10


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("./ci/gate --rows 'pools/*'", "--rows is not an option"),
        ("./ci/gate nothing --json x", "the gate has no job nothing"),
        ("pytest tests/self/nowhere", "tests/self/nowhere is not there"),
        ("pytest --implementation x", "--implementation is not an option"),
        ("python -m ci.nothing", "no module"),
        ("python -m tests.self.latency.simulated_clock --run 3", "--run is not an option"),
    ],
)
def test_a_wrong_command_is_told(command, fault):
    assert fault in str(fault_of(command))


def test_a_file_that_is_gone_is_told():
    text = "see `tests/cases/nothing.py`, `no_such.py`, `tests/cases/`, `tests/test_*.py`, `my_gather.py`, `pools/past`"
    assert {named for named in files_in(text) if not is_there(named, "README.md")} == {
        "tests/cases/nothing.py",
        "no_such.py",
    }
