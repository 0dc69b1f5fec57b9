"""Pages as people meet them: in Chromium, on a phone and on a desk, in light and dark, with nothing but the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from lab import SLOW
from playwright.sync_api import Browser, Page, Request, sync_playwright

from salesops.cli.asking import prepare
from salesops.press.alerts import Alert
from salesops.press.deliver import deliver
from salesops.press.pdf import find_browser
from salesops.press.settings import Wanted

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
KINDS = ("team_accountability", "rep_accountability", "fails", "index")
AS_OF = ("2026-10-15", "2026-10-22")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of the sample as of two days, with alerts, and one that fails."""
    out = tmp_path_factory.mktemp("pages")
    fails = Wanted(notebook=str(ROOT / "tests" / "notebooks" / "fails.ipynb"))
    for as_of, more in zip(AS_OF, ([], [fails]), strict=True):
        given = {"book": str(ROOT / "data" / "sample"), "period": "2026-Q3", "as_of": as_of}
        alerts = (Alert("attainment", "<", 2.0, True),)
        wanted = [Wanted(notebook=name, given=given, alerts=alerts) for name in KINDS[:2]]
        deliver(prepare([*wanted, *more], ROOT / "notebooks"), out)
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield chromium
        chromium.close()


def page_of(site: Path, kind: str) -> str:
    if kind == "index":
        return (site / "index.html").as_uri()
    reports = json.loads((site / "index.json").read_text(encoding="utf-8"))["reports"]
    path = next(report["path"] for report in reports if report["notebook"] == kind and changed(report, kind))
    return (site / path).as_uri()


def changed(report: dict[str, Any], kind: str) -> bool:
    return kind == "fails" or report["parameters"]["as_of"] == AS_OF[-1]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_is_accessible_and_asks_for_nothing(
    site: Path, browser: Browser, kind: str, scheme: Any, width: int
) -> None:
    """axe-core finds no violation; the page does not scroll sideways; no request leaves the file."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(SLOW)
    page = context.new_page()
    page.on("request", note)
    page.goto(page_of(site, kind))
    assert [url for url in asked if url.startswith(("http:", "https:", "ws:", "wss:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_what_wants_attention_stands_below_the_headline(site: Path, browser: Browser) -> None:
    """Alerts and changes come directly after the headline, before the key figures."""
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.set_default_timeout(SLOW)
    page.goto(page_of(site, "rep_accountability"))
    news = page.get_by_role("complementary", name="Alerts and changes")
    assert "Alert: attainment is" in news.inner_text()
    assert "Changed since 2026-Q3, as of 2026-10-15" in news.inner_text()
    top, figures = news.bounding_box(), page.locator(".kpis").first.bounding_box()
    assert top is not None
    assert figures is not None
    assert page.get_by_role("heading", level=1).bounding_box()["y"] < top["y"] < figures["y"]  # type: ignore[index]  # it is there
    page.close()


@pytest.fixture
def index(site: Path, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(SLOW)
    page.goto((site / "index.html").as_uri())
    yield page
    page.close()


def shown(index: Page) -> int:
    return index.locator("tr[data-n]:visible").count()


def test_the_index_is_searched_by_keyboard(index: Page) -> None:
    """Tab reaches the search; each word narrows it; what is found is told to a screen reader."""
    index.keyboard.press("Tab")
    index.keyboard.press("Enter")
    assert index.evaluate("location.hash") == "#reports"
    index.get_by_label("Find by any word").focus()
    index.keyboard.type("goal 10-22")
    assert shown(index) == 1
    assert index.locator("output").inner_text() == "1 of 5 reports"
    assert index.locator("output").get_attribute("aria-live") == "polite"


def test_the_index_is_filtered_by_report_and_status(index: Page) -> None:
    """Each filter narrows what the others leave; all of them together may leave nothing."""
    index.get_by_role("combobox", name="Status").select_option("failed")
    assert shown(index) == 1
    index.get_by_role("combobox", name="Report").select_option("Did the team make its goal, and who needs a talk?")
    assert shown(index) == 0
    index.get_by_role("combobox", name="Status").select_option("")
    assert shown(index) == 2
    index.get_by_role("combobox", name="Report").select_option("")
    index.get_by_label("Find by any word").fill("alert")
    assert shown(index) == 4


def test_the_count_of_a_period_follows_the_filter(index: Page) -> None:
    """Beside each period stands how many of its reports are shown, of how many."""
    quarter = index.locator("h2", has_text="2026-Q3")
    assert quarter.inner_text().split(None, 1)[1] == "4 reports"
    index.get_by_label("Find by any word").fill("10-22")
    assert quarter.inner_text().split(None, 1)[1] == "2 of 4 reports"
    index.get_by_label("Find by any word").fill("")
    assert quarter.inner_text().split(None, 1)[1] == "4 reports"
