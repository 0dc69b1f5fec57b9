"""A real JupyterLab with one notebook, in a real browser that reaches nothing but this machine."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from playwright.sync_api import Page, Route, expect, sync_playwright

from salesops.press.pdf import find_browser

ROOT = Path(__file__).resolve().parents[2]
SLOW = 300_000  # milliseconds until a test gives up that waits for a step; no machine is so busy
expect.set_options(timeout=SLOW)


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """Run JupyterLab on a folder and give its address, up to the folder's notebooks, with the token at the end."""
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0",
        f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={token}", "--ServerApp.allow_root=True",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip  # one option after the other
    with TemporaryDirectory() as home:
        # settings, workspaces and the list of servers are the test's own; the kernel finds this checkout
        own = {name: f"{home}/{name}" for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
        own |= {"JUPYTERLAB_SETTINGS_DIR": f"{home}/settings", "JUPYTERLAB_WORKSPACES_DIR": f"{home}/workspaces"}
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, **own, "PYTHONPATH": paths, "XDG_CACHE_HOME": f"{home}/cache"}
        quiet = Path(home, "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings")
        quiet.parent.mkdir(parents=True)
        quiet.write_text('{"fetchNews": "false", "checkForUpdates": false, "doNotDisturbMode": true}')
        log = Path(home, "log")
        with log.open("wb") as said:
            server = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
            )
        try:
            yield _address(server, log, token)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(300)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


@contextmanager
def browser_page(width: int = 1400, height: int = 1000) -> Iterator[tuple[Page, list[str]]]:
    """Open a page in the machine's browser; give it with the list of addresses outside that it asked for."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(SLOW)
        context.route(re.compile(r"^(?!(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:)"), refuse)
        page = context.new_page()
        try:
            yield page, asked
        finally:
            browser.close()


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)


def open_notebook(page: Page, address: str, name: str) -> None:
    """Open a notebook and wait until its kernel is idle."""
    base, token = address.split("?")
    page.goto(f"{base}lab/tree/{name}?{token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content")
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected' && "
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )


def run_cell(page: Page) -> None:
    """Run the selected cell by the keyboard and go to the next."""
    page.keyboard.press("Shift+Enter")


def _address(server: subprocess.Popen[bytes], log: Path, token: str) -> str:
    """Return the server's address once it answers; a server that ends tells its log."""
    while True:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text(errors="replace"))
        if found and _answers(f"http://127.0.0.1:{found[1]}/api?token={token}"):
            return f"http://127.0.0.1:{found[1]}/?token={token}"
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"JupyterLab ended:\n{log.read_text(errors='replace')[-3000:]}")


def _answers(address: str) -> bool:
    """Tell whether the server answers; it may say its address before it listens."""
    try:
        with urllib.request.urlopen(address, timeout=300) as answer:
            json.load(answer)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return False
        raise
    return True
