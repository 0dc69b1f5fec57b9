"""Secrets: parameters that reach the notebook and are stored nowhere."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from written_notebooks import planned, write_notebook

from salesops.cli import main
from salesops.cli.asking import prepare
from salesops.errors import PressError
from salesops.press.parameters import is_secret
from salesops.press.run import Engine
from salesops.press.settings import Wanted

SECRET = 'p@"ss\\wörd-7391'


@pytest.mark.parametrize("engine", ["warm", "stock"])
def test_a_secret_is_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], engine: Engine
) -> None:
    """Not in pages, partial notebooks, results, index, ledger, file names or messages, whatever the notebook does."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    parameters = ('api_token: str = ""\nsize: int = 1', "parameters")
    uses = "import os, subprocess, sys\nfrom IPython.display import HTML, JSON, display\nassert len(api_token) == 15"
    shows = "print(api_token)\ndisplay(HTML(f'<p>{api_token}</p>'))\nsubprocess.run(['echo', api_token])"
    shows += "\ndisplay(api_token)\nprint(api_token[:7], end='', flush=True)\nprint(api_token[7:])"
    shows += "\nimport json, urllib.parse as u\nprint(u.quote(api_token), u.quote_plus(api_token), api_token.encode())"
    shows += "\nprint(json.dumps(json.dumps([api_token])))\nimport ipywidgets\nw = ipywidgets.Text(value=api_token)"
    environ = "print(sorted(name for name in os.environ if 'SECRET' in name))"
    fine = write_notebook(
        tmp_path / "fine.ipynb",
        parameters,
        uses,
        shows,
        environ,
        ("JSON({'token': api_token, api_token: 1})", "results"),
    )
    fails = write_notebook(tmp_path / "fails.ipynb", parameters, uses, shows, "raise ValueError(api_token)")
    crashes = write_notebook(tmp_path / "crashes.ipynb", parameters, uses, shows, "os._exit(3)")
    paths = [str(path) for path in (fine, fails, crashes)]
    code = main(
        ["run", *paths, "-p", f"api_token={SECRET}", "--out", str(tmp_path / "site"), "--engine", engine, "--mail"]
    )
    assert code == 1
    files = [path for folder in ("site", "tmp") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".html"]) == 4
    said = "".join(capfd.readouterr())
    forms = {SECRET.encode(), SECRET.replace("\\", "\\\\").replace('"', '\\"').encode(), b"7391"}
    forms |= {quote(SECRET).encode(), quote_plus(SECRET).encode()}
    for path in files:
        content = path.read_bytes() + path.name.encode() + said.encode() + _decoded(path)
        assert [form for form in forms if form in content] == [], (path, content)
    assert [path.name[:5] for path in files if path.suffix == ".eml"] == ["fine-"]
    page = next(path for path in files if path.name.startswith("fine-") and path.suffix == ".html").read_text(
        encoding="utf-8"
    )
    assert "•••" in page
    assert "[]" in page


def test_a_secret_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not everyone on the machine needs to see it; what the command line gives goes before."""
    path = write_notebook(tmp_path / "a.ipynb", ('api_token: str = ""\nsize: int = 1', "parameters"), "len(api_token)")
    monkeypatch.setenv("SALESOPS_SECRET_api_token", "in the environment")
    monkeypatch.setenv("SALESOPS_SECRET_size", "7")
    report = prepare([Wanted(notebook=str(path))], tmp_path)[0]
    assert report.secrets == {"api_token": "in the environment"}
    assert "size" not in report.parameters
    assert (
        prepare([Wanted(notebook=str(path), given={"api_token": "given"})], tmp_path)[0].secrets["api_token"] == "given"
    )


def test_a_secret_does_not_tell_reports_apart(tmp_path: Path) -> None:
    """Its digest would be a trace of it: the same report with another secret has the same file."""
    path = write_notebook(tmp_path / "a.ipynb", ('db_password: str = ""', "parameters"))
    one, other = planned(path, db_password="first one"), planned(path, db_password="second one")
    assert one.id == other.id
    assert "first one" not in repr(one)
    assert one.parameters == one.shown == {}


def test_a_secret_that_is_too_short_is_refused(tmp_path: Path) -> None:
    """Three characters stand everywhere; they cannot be kept out of a page."""
    path = write_notebook(tmp_path / "a.ipynb", ('secret: str = ""', "parameters"))
    with pytest.raises(PressError, match=r"The secret 'secret' has 3 characters\. With fewer than 4"):
        planned(path, secret="abc")


@pytest.mark.parametrize(("line", "given"), [("max_tokens: int = 1", 12345), ("use_token: bool = False", True)])
def test_a_secret_is_a_text(tmp_path: Path, line: str, given: object) -> None:
    """A number or a switch would reach the notebook as a text, and stand in a page where nobody looks for it."""
    path = write_notebook(tmp_path / "a.ipynb", (line, "parameters"))
    with pytest.raises(PressError, match=r"is a secret by its name, and only a text \(str\) can be kept out of a page"):
        planned(path, **{line.partition(":")[0]: given})


def test_secrets_are_known_by_name() -> None:
    """A parameter whose name says password, secret, token or API key is one, and no other."""
    assert all(is_secret(name) for name in ("secret", "DB_PASSWORD", "api_key", "token"))
    assert not any(is_secret(name) for name in ("min_deals", "book", "period", "key"))


def _decoded(path: Path) -> bytes:
    """Return what a mail holds as its reader sees it; nothing of another file."""
    if path.suffix != ".eml":
        return b""
    return b"".join(part.get_payload(decode=True) or b"" for part in message_from_bytes(path.read_bytes()).walk())
