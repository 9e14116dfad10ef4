"""Headless Chromium for tests of pages, driven over its pipe: no driver and no library between."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

__all__ = ["Browser", "browser", "chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome")

#: Flags for a page that is a file of ours: no network is needed, and root may run it.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
)


def chromium() -> str:
    """Return the browser, or skip."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium")
    return found


class Browser:
    """A browser with one page.

    Attributes:
        complaints: what the page has written to its console, and its errors.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", write: int, read: int) -> None:
        """Open an empty page."""
        self.process, self.write, self.read = process, write, read
        self.number, self.rest, self.session = 0, b"", ""
        self.complaints: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to a command of the DevTools protocol."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            event = self._next()
            if event.get("id") == self.number:
                assert "error" not in event, event
                answer: dict[str, Any] = event["result"]
                return answer

    def open(self, page: Path, width: int = 1280, scripts: bool = True, dark: bool = False) -> Self:
        """Open a file."""
        self.complaints.clear()
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=scheme)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        self.ask("Page.navigate", url=page.resolve().as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass
        return self

    def value(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, as JSON has it."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key: its name, as "Tab" or "ArrowRight"."""
        code = {"Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, " ": 32}[key]
        named = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        text = {"text": " "} if key == " " else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **named, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **named)

    def screenshot(self, place: Path, size: tuple[int, int] | None = None) -> None:
        """Draw the page into a PNG file: its top of a width and height, or all of it."""
        whole = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        width, height = size or (whole["width"], whole["height"])
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        drawn = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        place.write_bytes(base64.b64decode(drawn))

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.read, 1 << 16)
            assert part, "the browser has ended"
            self.rest += part
        line, self.rest = self.rest.split(b"\0", 1)
        event: dict[str, Any] = json.loads(line)
        if event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(event["params"]))
        return event


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser with a profile of its own, and end it."""
    program = chromium()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # The browser reads file 3 and writes file 4.
        command = [
            "bash",
            "-c",
            f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}',
            "-",
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
        ]
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(
            command, pass_fds=(theirs_in, theirs_out), stdout=nothing, stderr=nothing, stdin=nothing
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(process, ours_out, ours_in)
        finally:
            process.terminate()
            process.wait(10)
            os.close(ours_in)
            os.close(ours_out)
