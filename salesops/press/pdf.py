"""A page as PDF, printed by a Chromium that is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from salesops.errors import PressError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_LONGEST = 120  # seconds for one page


def find_browser() -> str:
    """Return the path of an installed Chromium. Raises PressError if there is none."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise PressError(
            "A PDF is printed by Chromium or Chrome, and none is installed. Install one, or leave out --pdf and print "
            "the page from any browser."
        )
    return found


def print_pdf(browser: str, page: Path) -> Path:
    """Print a page to a PDF beside it, whole or not at all, and return its path.

    Raises
    ------
    PressError
        If the browser fails.
    """
    target = page.with_suffix(".pdf")
    part = page.with_name(f".{target.name}.{os.getpid()}.part")
    with tempfile.TemporaryDirectory(prefix="salesops-", ignore_cleanup_errors=True) as profile:
        command = [
            browser, "--headless", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--no-first-run", "--no-pdf-header-footer", f"--user-data-dir={profile}",
            f"--print-to-pdf={part}", page.resolve().as_uri(),
        ]  # fmt: skip  # one command
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses its sandbox to root
        try:
            quiet = subprocess.DEVNULL  # a process of the browser that stays must not hold the press's output
            done = subprocess.run(command, stdout=quiet, stderr=quiet, timeout=_LONGEST, check=False)
        except subprocess.TimeoutExpired:
            done = None
    if done is None or done.returncode or not part.is_file():
        part.unlink(missing_ok=True)
        why = "took too long" if done is None else f"ended with exit code {done.returncode}"
        raise PressError(f"{target.name} was not printed: {Path(browser).name} {why}.")
    part.replace(target)
    return target
