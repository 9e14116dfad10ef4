"""Draws the pictures of the README from the command itself: python -m tests.pictures

It needs tmux, a terminal that can be read, and Chromium, which draws what stands in it and the page.
"""

import io
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from tests.browser import Browser, browser
from tests.places import ROOT

FOLDER = ROOT / "docs" / "pictures"

WORDS = ("--keywords", "dog,park,ball", "--seed", "7")

#: The terminal, and the most seconds until the view stands in it.
COLUMNS, LINES, SECONDS = 80, 12, 60.0

#: Of the page: width, and how much of it is shown.
WIDTH, HEIGHT = 720, 730

SESSION = "searchgen-picture"


def main() -> None:
    """Write both pictures, and say how large they are."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser() as window:
        page = Path(folder) / "run.html"
        command = [sys.executable, "-m", "searchgen", "constrain", *WORDS, "--report", str(page)]
        subprocess.run(command, cwd=ROOT, check=True)
        window.open(page, WIDTH)
        draw(window, FOLDER / "report.png", WIDTH, HEIGHT)
        terminal = Path(folder) / "terminal.html"
        terminal.write_text(as_html(captured()), encoding="utf-8")
        window.open(terminal, WIDTH)
        height = int(window.value("document.querySelector('pre').getBoundingClientRect().height"))
        draw(window, FOLDER / "watch.png", WIDTH, height)
    print(*(f"{place.name}: {place.stat().st_size / 1000:.0f} kB" for place in sorted(FOLDER.glob("*.png"))))


def captured() -> str:
    """Return what stands in a terminal while the command runs, with its colours."""
    command = shlex.join([sys.executable, "-m", "searchgen", "constrain", *WORDS, "--budget", "30", "--watch"])
    size = ["-x", str(COLUMNS), "-y", str(LINES)]
    subprocess.run(["tmux", "new-session", "-d", "-s", SESSION, *size, "-c", str(ROOT), command], check=True)
    try:
        drawn, until = "", time.monotonic() + SECONDS
        while not ("temperature" in drawn and "left" in drawn):
            assert time.monotonic() < until, "the view did not appear"
            time.sleep(0.2)
            read = subprocess.run(["tmux", "capture-pane", "-p", "-e", "-t", SESSION], capture_output=True, check=True)
            drawn = read.stdout.decode().rstrip()
            if not any(f"  {share}%" in drawn for share in range(10, 30)):
                drawn = ""
    finally:
        subprocess.run(["tmux", "kill-session", "-t", SESSION], check=False)
    return drawn


def as_html(drawn: str) -> str:
    """Return a terminal's text as a page."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    line = f"$ searchgen constrain {shlex.join(WORDS)} --budget 30 --watch"
    plain = drawn.replace("\x1b[39m", "").replace("\x1b[49m", "")  # the colours of the terminal itself
    console.print(Text(line, style="bold"), Text.from_ansi(plain), sep="\n", soft_wrap=True)
    code = console.export_html(inline_styles=True, code_format="{code}", theme=SVG_EXPORT_THEME)
    style = "margin:0;padding:14px 18px;background:#292929;color:#e6e6e3;font:14px/1.45 monospace"
    return f'<!doctype html><meta charset="utf-8"><body style="margin:0"><pre style="{style}">{code}</pre>'


def draw(window: Browser, place: Path, width: int, height: int) -> None:
    """Write the top of a page as a picture."""
    window.screenshot(place, (width, height))


if __name__ == "__main__":
    main()
