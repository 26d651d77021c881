"""Reading a recipe out of a document, and following it to the letter in a copy of the project."""

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests import ROOT
from tests.self import commands

NEW_FILE = re.compile(r"[Ii]n a new file `([^`]+)`:$")
AFTER = re.compile(r"`([^`]+)`, after (the|each) line that begins with `([^`]+)`:$")


class CannotFollow(Exception):
    """A recipe is not to be taken literally: the text says where."""


@dataclass(frozen=True)
class Block:
    """A fenced block, and the paragraph before it in one line."""

    prose: str
    language: str
    text: str


def section(document: str, heading: str) -> str:
    """Return what stands below a heading of a document, up to the next one of its rank or a higher one.

    Raises:
        CannotFollow: there is no such heading.
    """
    lines = outside_of_fences(document)
    starts = [i for i, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line)]
    if len(starts) != 1:
        raise CannotFollow(f"{len(starts)} headings {heading!r}, expected one")
    start = starts[0]
    rank = lines[start].split(" ")[0]
    ends = (i for i, line in enumerate(lines) if i > start and re.match(rf"#{{1,{len(rank)}}} ", line))
    return "\n".join(document.splitlines()[start + 1 : next(ends, len(lines))])


def outside_of_fences(document: str) -> list[str]:
    """Return a document's lines, those of fenced blocks and the fences empty."""
    lines, inside = [], False
    for line in document.splitlines():
        fence = line.startswith("```")
        lines.append("" if fence or inside else line)
        inside ^= fence
    return lines


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a section, in order."""
    found = []
    parts = re.split(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    for prose, language, fenced in zip(parts[0::3], parts[1::3], parts[2::3], strict=False):
        found.append(Block(" ".join(prose.strip().split("\n\n")[-1].split()), language, fenced))
    return found


def follow(text: str, folder: Path) -> list[str]:
    """Do what a section says, in a copy of the project, and return what the gate printed, a text a command.

    Raises:
        CannotFollow: a block does not say where it belongs, its line is not there, or a command failed.
    """
    printed = []
    for block in blocks(text):
        if block.language == "console":
            commands = [line.removeprefix("$ ") for line in block.text.splitlines()]
            printed += [run(command, folder) for command in commands]
        else:
            _paste(block, folder)
    return printed


def run(command: str, folder: Path, expected: int = 0) -> str:
    """Run one line of a document in a copy of the project, and return its output.

    Raises:
        CannotFollow: its exit code is another than expected.
    """
    words = shlex.split(command)
    if words[0] == "./ci/gate":
        words[:1] = [sys.executable, "ci/gate"]
    done = commands.run(*words, folder=folder, COLUMNS="200")
    if done.returncode != expected:
        raise CannotFollow(f"{command} ended with {done.returncode}, not {expected}:\n{done.stdout}{done.stderr}")
    return done.stdout


def copy_of_the_project(folder: Path) -> Path:
    """Copy the files that git knows or would, and return the copy's folder."""
    for path in commands.project_files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path)
    return folder


def _paste(block: Block, folder: Path) -> None:
    if new := NEW_FILE.search(block.prose):
        path = folder / new[1]
        if path.exists():
            raise CannotFollow(f"{new[1]} is not new")
        path.write_text(block.text, encoding="utf-8")
    elif after := AFTER.search(block.prose):
        _insert(folder / after[1], after[3], block.text, once=after[2] == "the")
    else:
        raise CannotFollow(f"it is not said where this belongs: {block.prose!r}\n{block.text}")


def _insert(path: Path, beginning: str, text: str, *, once: bool) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if line.lstrip().startswith(beginning)]
    if not places or (once and len(places) > 1):
        raise CannotFollow(f"{len(places)} lines of {path.name} begin with {beginning!r}")
    for i in places:
        lines[i] += text
    path.write_text("".join(lines), encoding="utf-8")
