"""What a notebook's own markup can do on the page of a failed report, in Chromium and without the page's policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import nbformat.v4 as v4
import pytest
from hostile_markup import HOSTILE
from playwright.sync_api import Error, Request, Route, sync_playwright

from salesops.press.export import export_page
from salesops.press.pdf import find_browser

pytestmark = pytest.mark.browser
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# what a reader may do with each element, and a little more
USED = """() => {
    for (const one of document.querySelectorAll('*')) {
        if (one.attributionSrc || one.ping) window.ran();
        for (const kind of ['click', 'mouseover', 'focus', 'toggle', 'begin', 'submit'])
            one.dispatchEvent(new MouseEvent(kind, {bubbles: false, cancelable: true}));
    }
}"""


Harm = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def harm_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harm]:
    """Give what tells what a page does when it is opened and used: scripts that run, requests, where it leads."""
    path, done = tmp_path_factory.mktemp("hostile") / "page.html", list[str]()
    address = path.as_uri()

    def heard(route: Route, request: Request) -> None:
        if request.url.partition("#")[0] == address or request.url.startswith(("data:", "about:")):
            route.continue_()
        else:
            done.append(request.url)
            route.abort()

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)

        def harm(html: str) -> list[str]:
            path.write_text(html, encoding="utf-8")
            done.clear()
            page = chromium.new_page()  # a new one: where one leads away, the next would be led away too
            page.route("**/*", heard)
            page.expose_function("ran", lambda: done.append("ran"))
            try:
                page.goto(address)
                page.evaluate(USED)
                page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            except Error:  # the page has led away
                done.append("away")
            led = [] if page.url.partition("#")[0] == address else [page.url]
            page.close()
            return [*done, *led]

        yield harm
        chromium.close()


def page_of(markup: str) -> str:
    """The page of a report that failed, with markup in each place in which a notebook has some; without its policy."""
    outputs = [
        v4.new_output("display_data", data={"text/html": markup}),
        v4.new_output("display_data", data={"image/svg+xml": f"<svg>{markup}</svg>"}),
        v4.new_output("display_data", data={"text/markdown": markup}),
        v4.new_output("error", ename="E", evalue=markup, traceback=[markup]),
    ]
    cells = [v4.new_markdown_cell(markup), v4.new_code_cell(markup, outputs=outputs)]
    page = export_page(v4.new_notebook(cells=cells), title=markup, status="failed")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert bare != page
    return bare


@pytest.mark.long
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_failed_page_runs_and_asks_for_nothing(harm_of: Harm, kind: str) -> None:
    """Even without the policy that forbids it, the page runs no script, sends no request and leads nowhere."""
    assert harm_of(page_of(HOSTILE[kind])) == []


@pytest.mark.long
def test_the_same_markup_does_harm_where_nobody_takes_it_out(harm_of: Harm) -> None:
    """What the test above is worth: most of the markup does run or ask on a bare page, so that it would be seen."""
    harmful = [kind for kind, markup in HOSTILE.items() if harm_of(f"<!doctype html>{markup}")]
    assert len(harmful) > len(HOSTILE) * 2 / 3, sorted(set(HOSTILE) - set(harmful))
