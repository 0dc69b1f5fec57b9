"""Pages as mails."""

from __future__ import annotations

import email
import json
import re
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from written_notebooks import planned, write_notebook

from salesops.errors import PressError
from salesops.press.deliver import How, deliver
from salesops.press.mail import write_mail

pytestmark = pytest.mark.usefixtures("one_parent")

CHART = """
import altair as alt
import pandas as pd
alt.renderers.enable("mimetype")
alt.Chart(pd.DataFrame({"rep": ["Zoë", "Ann"], "won": [2, 3]}), title="Ann wins more").mark_bar(color="navy").encode(
    x="won:Q", y="rep:N"
).properties(usermeta={"page_colors": {"navy": "var(--accent)"}})
"""
MAIL = How(mail=True)


def read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=default)  # type: ignore[return-value]  # what the policy makes


def entry(site: Path) -> dict[str, object]:
    (only,) = json.loads((site / "index.json").read_text(encoding="utf-8"))["reports"]
    return dict(only)


def test_a_mail_shows_its_page_with_charts_as_pictures(tmp_path: Path) -> None:
    """Every mail program gets text and HTML; the chart is a PNG that belongs to it, with the chart's description."""
    path = write_notebook(tmp_path / "a.ipynb", "# Who wins?", CHART)
    deliver([planned(path)], tmp_path / "site", MAIL)
    mail = read(tmp_path / "site" / str(entry(tmp_path / "site")["mail"]))
    assert mail["Subject"] == "Who wins?"
    assert mail["X-Unsent"] == "1"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert plain.get_content().splitlines()[0] == "Who wins?"
    assert html is not None
    shown = html.get_content()
    (picture,) = re.findall(r'<img alt="Ann wins more" width="\d+" src="cid:([^"]+)">', shown)
    (png,) = [part for part in mail.walk() if part["Content-ID"] == f"<{picture}>"]
    assert png.get_content().startswith(b"\x89PNG")
    for unfit in ("<svg", "var(", "currentColor", "<script", "data:", "http"):
        assert unfit not in shown, unfit


def test_alerts_stand_in_subject_and_text(tmp_path: Path) -> None:
    """Who sees the list of mails sees that one wants attention; a line break in a name cannot add a header."""
    (tmp_path / "a.html").write_text("<html><head></head><h1>Goal &amp; gap</h1></html>", encoding="utf-8")
    mail = read(write_mail(tmp_path / "a.html", subject="A\nBcc: b@example.com", alerts=["attainment 52%"]))
    assert mail["Subject"] == "Alert: A Bcc: b@example.com"
    assert mail["Bcc"] is None
    plain = mail.get_body(("plain",))
    assert plain is not None
    told = [line for line in plain.get_content().splitlines() if line]
    assert told == ["Goal & gap", "Alert: attainment 52%", "The report stands in a.html."]


def test_only_a_new_page_has_a_mail(tmp_path: Path) -> None:
    """A report that fails, or is made without --mail, leaves no old mail to send; its last good page stays."""
    site = tmp_path / "site"
    path = write_notebook(tmp_path / "a.ipynb", "# Who?", "1")
    report = planned(path)
    deliver([report], site, MAIL)
    assert [mail.stem for mail in site.glob("*.eml")] == [report.id]
    write_notebook(path, "# Who?", "1 / 0")
    deliver([report], site, MAIL)
    assert entry(site)["status"] == "stale"
    assert "mail" not in entry(site)
    assert not list(site.glob("*.eml"))
    write_notebook(path, "# Who?", "2")
    deliver([report], site, MAIL)
    assert list(site.glob("*.eml"))
    deliver([report], site, How(force=True))
    assert not list(site.glob("*.eml"))


def test_a_page_that_is_unchanged_still_gets_its_mail(tmp_path: Path) -> None:
    """Asked for a mail, a report without one is not skipped."""
    path = write_notebook(tmp_path / "a.ipynb", "# Who?", "1", says={"tables": []})
    deliver([planned(path)], tmp_path / "site")
    assert deliver([planned(path)], tmp_path / "site", MAIL).made == 1
    assert "mail" in entry(tmp_path / "site")


def test_a_broken_picture_is_told_and_leaves_no_mail(tmp_path: Path) -> None:
    """SVG that is none ends in a sentence, not in a traceback; no half mail is left."""
    (tmp_path / "a.html").write_text("<html><head></head><figure><svg><g></svg></figure></html>", encoding="utf-8")
    with pytest.raises(PressError, match=r"A chart cannot be drawn as a picture: "):
        write_mail(tmp_path / "a.html", subject="a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
