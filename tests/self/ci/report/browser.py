"""A headless Chromium that tests talk to over a pipe, as its DevTools do; no network and no further package."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_SECONDS = 60.0
_FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
)


class Browser:
    """One page of a browser.

    Args:
        write: descriptor of the browser's commands.
        read: descriptor of its answers.
    """

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        """What the page did by itself: requests, console, exceptions."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the browser's answer to a command of the DevTools protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._read, 1 << 16)
            assert read, "the browser has ended"
            self._rest += read
        message, self._rest = self._rest.split(b"\0", 1)
        return dict(json.loads(message))

    def show(self, page: Path, width: int, height: int = 900, *, is_dark: bool = False, media: str = "") -> None:
        """Open a page, as wide as given, in CSS pixels."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media=media, features=scheme)
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **metrics)
        self.ask("Page.navigate", url=page.as_uri())
        until = time.monotonic() + PATIENCE_SECONDS
        while self.value("document.readyState") != "complete":
            assert time.monotonic() < until, "the page was not loaded"

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression on the page."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        texts = {"Enter": "\r", " ": " "}
        about: dict[str, Any] = {"key": key, "code": {" ": "Space"}.get(key, key)}
        about |= {"text": texts[key]} if key in texts else {}
        about["windowsVirtualKeyCode"] = {"Tab": 9, "Enter": 13, " ": 32}[key]
        self.ask("Input.dispatchKeyEvent", type="keyDown", **about)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(shot))

    def of(self, *methods: str) -> list[dict[str, Any]]:
        """Return what the page did, of these kinds."""
        return [event["params"] for event in self.events if event.get("method") in methods]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Yield a browser that lives as long as the context, with its profile in a folder."""
    assert CHROMIUM is not None
    commands_read, commands_write = os.pipe()
    answers_read, answers_write = os.pipe()

    def place() -> None:  # the browser reads descriptor 3 and writes descriptor 4
        low, high = os.dup(commands_read), os.dup(answers_write)
        os.dup2(low, 3)
        os.dup2(high, 4)

    process = subprocess.Popen(
        [CHROMIUM, *_FLAGS, f"--user-data-dir={folder / 'profile'}"],
        preexec_fn=place,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(commands_read)
    os.close(answers_write)
    try:
        yield Browser(commands_write, answers_read)
    finally:
        process.kill()
        process.wait()
        os.close(commands_write)
        os.close(answers_read)
