"""The command ended from outside, by each signal that ends one: it leaves no process and no file of its own behind."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from written_notebooks import DETACHES, detached_alive, is_alive, quiet_environment, write_notebook

from salesops.press.run import Engine

RUN = "import sys; from salesops.cli import main; sys.exit(main())"
STARTS = f"import os\nopen(f'{{os.getpid()}}.own', 'w')\n{DETACHES}\ntime.sleep(600)"


def until(holds: Callable[[], bool]) -> bool:
    """Wait until something holds, half a minute at most."""
    end = time.monotonic() + 30
    while not holds() and time.monotonic() < end:
        select.select([], [], [], 0.05)
    return holds()


@pytest.mark.parametrize("engine", ["warm", "stock"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_press_that_is_ended_leaves_nothing_running(tmp_path: Path, engine: Engine, number: signal.Signals) -> None:
    """What a report started ends with the press, however it detached, and the temporary folder goes.

    All but SIGKILL are told in a sentence, leave an index with what was finished, and the exit code of a shell.
    """
    good = write_notebook(tmp_path / "good.ipynb", "1")
    starts = write_notebook(tmp_path / "starts.ipynb", STARTS)
    words = [sys.executable, "-c", RUN, "run", str(good), str(starts), "--out", "site", "--engine", engine]
    with (
        tempfile.TemporaryDirectory() as temporary,  # pytest's own paths are too long for sockets
        subprocess.Popen(
            [*words, "--jobs", "1"],
            cwd=tmp_path,
            env=quiet_environment() | {"TMPDIR": temporary},
            stdout=subprocess.PIPE,  # whoever inherits it keeps it open
            stderr=subprocess.PIPE,
            text=True,
        ) as press,
    ):
        assert until((tmp_path / "running").exists)
        press.send_signal(number)
        _, said = press.communicate(timeout=30)
        (own,) = tmp_path.glob("*.own")
        assert until(lambda: not is_alive(int(own.stem)) and not detached_alive(tmp_path))
        assert until(lambda: not list(Path(temporary).glob("salesops-*")))
    if number == signal.SIGKILL:
        assert press.returncode == -number
        return
    assert (press.returncode, said.splitlines()[-1]) == (
        128 + number,
        "Stopped. What was finished is kept, and nothing is half-written.",
    )
    listed = json.loads((tmp_path / "site" / "index.json").read_text(encoding="utf-8"))["reports"]
    assert [entry["notebook"] for entry in listed] == ["good"]
