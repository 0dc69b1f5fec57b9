"""The command ended from outside, by each signal that ends one: it leaves no process and no file of its own behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from written_notebooks import DETACHES, PATIENCE, detached_alive, is_alive, quiet_environment, until, write_notebook

from salesops.press.run import Engine

# whoever runs the tests may ignore signals, as nohup does, and the press must not inherit that
RUN = """
import signal, sys
from salesops.cli import main
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""
STARTS = f"import os\nopen(f'{{os.getpid()}}.own', 'w')\n{DETACHES}\ntime.sleep(600)"


@pytest.mark.long
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
        _, said = press.communicate(timeout=PATIENCE)
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
