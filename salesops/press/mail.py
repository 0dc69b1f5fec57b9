"""A page as a mail, its charts as pictures, for mail shows no SVG; and as an .eml file for any mail program."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path

from salesops.errors import PressError
from salesops.files import write_whole
from salesops.press.export import TEMPLATE, headline_of, page_css
from salesops.press.leads import without_marks

_SHARP = 2  # pixels of a picture for one of the page, as phones have
_UNFIT = (  # what only a browser shows, or hides, as it should
    r"<meta[^>]*>|<link[^>]*>|<style>.*?</style>",
    r'<a class="skip".*?</a>',
    r'<nav class="leads".*?</nav>',
    r'<svg class="bullet".*?</svg>',
    r'<svg class="chart broad".*?</svg>',
    r'<span class="unseen">.*?</span>',
)
_DATA = re.compile(r'src="data:image/(png|jpeg);base64,([^"]+)"')


def write_mail(page: Path, *, subject: str, alerts: Sequence[str] = ()) -> Path:
    """Write a page as an unsent mail beside it, whole or not at all, and return its path.

    Parameters and PressError as for `mail_of`. Raises OSError if the folder cannot be written.
    """
    mail = mail_of(page, subject=subject, alerts=alerts)
    mail["X-Unsent"] = "1"  # opens as a draft
    target = page.with_suffix(".eml")
    write_whole(target, mail.as_bytes().decode("ascii"))
    return target


def mail_of(page: Path, *, subject: str, alerts: Sequence[str] = ()) -> EmailMessage:
    """Return a page as a mail without sender and address: who sends it gives both.

    Parameters
    ----------
    alerts : sequence of str
        Told in the subject, and below the headline where a program shows no HTML.

    Raises
    ------
    PressError
        If a chart cannot be drawn as a picture.
    """
    pictures: list[tuple[str, bytes]] = []
    content = _with_pictures(_for_mail(page.read_text(encoding="utf-8")), pictures)
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = " ".join(f"{'Alert: ' * bool(alerts)}{subject}".split())  # a CRM's name may hold a line break
    told = [headline_of(content), *(f"Alert: {alert}" for alert in alerts), f"The report stands in {page.name}."]
    mail.set_content("\n\n".join(told) + "\n")
    mail.add_alternative(content, subtype="html")
    shown = mail.get_payload()[1]  # type: ignore[index]  # a list of parts, since it has an alternative
    for number, (kind, picture) in enumerate(pictures, start=1):
        shown.add_related(picture, "image", kind, cid=f"<{_cid(number)}>", filename=f"chart-{number}.{kind}")  # type: ignore[union-attr]  # as above
    return mail


def notice_of(sentences: Sequence[str]) -> EmailMessage:
    """Return a mail for the owner of reports that could not be sent as they should."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "Reports that were not sent"
    mail.set_content("\n\n".join(sentences) + "\n")
    return mail


def _for_mail(page: str) -> str:
    """Return a page without what mail programs do not show, and its charts as pictures."""
    page = without_marks(page)
    for unfit in _UNFIT:
        page = re.sub(unfit, "", page, flags=re.DOTALL)
    page = re.sub(r"<figure[^>]*>(.*?)</figure>", _pictured, page, flags=re.DOTALL)
    style = (TEMPLATE / "mail.css").read_text(encoding="utf-8")
    head = f'<meta charset="utf-8">\n<style>\n{_plain_colors(style)}</style>\n'
    return page.replace("<head>", f"<head>\n{head}", 1)


def _pictured(figure: re.Match[str]) -> str:
    """Return a figure with a picture in place of its SVG."""
    return re.sub(r"<svg\b.*</svg>", lambda svg: _picture(svg[0]), figure[0], flags=re.DOTALL)


def _picture(svg: str) -> str:
    import vl_convert  # starts threads when it is used, so a process that forks must not import it

    label = re.search(r'\saria-label="([^"]*)"', svg)
    width = re.search(r'\swidth="(\d+)', svg)
    try:
        png = vl_convert.svg_to_png(_plain_colors(svg), scale=_SHARP)
    except (ValueError, RuntimeError) as problem:
        why = str(problem).strip().partition("\n")[0]
        raise PressError(f"A chart cannot be drawn as a picture: {why}.") from None
    alt, wide = label[1] if label else "", f' width="{width[1]}"' if width else ""
    return f'<img alt="{alt}"{wide} src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _plain_colors(text: str) -> str:
    """Return a style sheet or SVG with the colours of the light page: mail programs know no variables."""
    colors = _colors()
    text = re.sub(r"var\(--([\w-]+)\)", lambda variable: colors.get(variable[1], variable[0]), text)
    return text.replace("currentColor", colors["ink"])


@cache
def _colors() -> dict[str, str]:
    light = page_css().partition(":root {")[2].partition("}")[0]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", light))


def _with_pictures(page: str, pictures: list[tuple[str, bytes]]) -> str:
    """Return a page whose pictures are parts of the mail, and add these to `pictures`."""

    def moved(source: re.Match[str]) -> str:
        pictures.append((source[1], base64.b64decode(source[2])))
        return f'src="cid:{_cid(len(pictures))}"'

    return _DATA.sub(moved, page)


def _cid(number: int) -> str:
    return f"chart{number}@salesops"
