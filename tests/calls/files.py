"""Files that a run leaves behind: nobody finds half of one, and none is lost for it. Standard library only.

A file is written beside its place and renamed. Devices, pipes and descriptors are written through, and links are
followed. All text is made harmless on its way.
"""

import errno
import json
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.calls.errors import Foreseen
from tests.calls.text import harmless, harmless_values

_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_MOST_LINKS = 40


class NotWritten(Foreseen, OSError):
    """A file cannot be written, or must not be; says which and why."""


def refuse_unless_replaceable(path: Path) -> None:
    """See, before a run, that a report can be written to a path, and that nothing is lost by it.

    What is there must be an earlier report, an empty file, a device or a pipe.

    Raises:
        NotWritten: otherwise.
    """
    try:
        target = _target(path)
        if not isinstance(target, Path) or _is_written_through(target):
            return
        if target.is_dir():
            raise NotWritten(f"cannot write {path}: it is a folder")
        if target.exists() and target.stat().st_size and not _is_report(target):
            raise NotWritten(f"will not write {path}: what is there is no earlier report")
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except NotWritten:
        raise
    except OSError as error:
        raise _not_written(path, error) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object. See `write`."""
    write(path, json.dumps(harmless_values(dict(content)), indent=2) + "\n")


def write(path: Path, text: str) -> None:
    """Write text; whoever reads the path meanwhile sees what was there or all of the new.

    Raises:
        NotWritten: it cannot be written.
    """
    content = harmless(text).encode()
    try:
        target = _target(path)
        if isinstance(target, int):
            with os.fdopen(os.dup(target), "wb") as file:
                file.write(content)
        elif _is_written_through(target):
            with target.open("wb") as file:
                file.write(content)
        else:
            replace(target, content)
    except OSError as error:
        raise _not_written(path, error) from error


def append(path: Path, text: str) -> None:
    """Write text to the end of a file.

    Raises:
        NotWritten: it cannot be written.
    """
    try:
        with path.open("ab") as file:
            file.write(harmless(text).encode())
    except OSError as error:
        raise _not_written(path, error) from error


def make_harmless(path: Path) -> None:
    """Make the text of a file harmless, such as a log that others wrote to.

    Raises:
        NotWritten: it cannot be written.
    """
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError as error:
        raise _not_written(path, error) from error
    if harmless(text) != text:
        write(path, text)


def _target(path: Path) -> Path | int:
    """Return what a path leads to, over all links: a descriptor of this process, or a path that is no link."""
    for _ in range(_MOST_LINKS):
        name = os.path.abspath(path)
        if name in _STREAMS:
            return _STREAMS[name]
        if found := _DESCRIPTOR.fullmatch(name):
            return int(found[1])
        if not os.path.islink(name):
            return Path(name)
        path = Path(name).parent / os.readlink(name)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _is_written_through(target: Path) -> bool:
    return target.exists() and not stat.S_ISREG(target.stat().st_mode) and not target.is_dir()


def _is_report(target: Path) -> bool:
    try:
        content = json.loads(target.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "exit_code" in content


def replace(target: Path, content: bytes) -> None:
    """Write a file, no link, beside its place and rename it: nobody reads half of it.

    Raises:
        OSError: it cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(target: Path) -> int:
    """Return the permissions that a file has: a temporary one is its owner's alone."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _not_written(path: Path, error: OSError) -> NotWritten:
    return NotWritten(f"cannot write {path}: {error.strerror or error}")
