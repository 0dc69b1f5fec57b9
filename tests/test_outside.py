"""The command line where nobody reads, and where few letters are known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NOTEBOOK = Path(__file__).parent / "notebooks" / "no_parameters.ipynb"
RUN = "import sys; from salesops.cli import main; sys.exit(main())"


def command(*words: object, **environment: str) -> list[str]:
    settings = [f"{name}={value}" for name, value in environment.items()]
    return ["env", *settings, sys.executable, "-c", RUN, *(str(word) for word in words)]


def test_a_reader_who_has_gone_makes_no_failure(tmp_path: Path) -> None:
    """Where the last line goes into a closed pipe, the reports are made all the same, and the exit code says so."""
    reader, writer = os.pipe()
    os.close(reader)
    words = command("run", NOTEBOOK, "--out", tmp_path / "site")
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "site" / "index.html").is_file()


def test_letters_that_a_terminal_does_not_know() -> None:
    """They become question marks, and the help is no traceback."""
    words = command("run", "--help", PYTHONIOENCODING="ascii")
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert "DIR/index.json" in told.stdout
