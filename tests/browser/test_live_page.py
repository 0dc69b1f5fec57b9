"""The living page comes and goes with its tab: in Chromium, over a line that can be cut."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import Any

import pytest
from lab import browser_page
from live import PATIENCE, Served, line_to, serving, tiny_notebook, until
from playwright.sync_api import Locator, Page, expect
from whatif_books import NOW, book_of

pytestmark = pytest.mark.browser
NEVER = 3600.0  # seconds


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_notebook(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A tiny book, as the what-if gets it."""
    folder = tmp_path_factory.mktemp("book") / "book"
    book_of(folder)
    return {"book": str(folder), "as_of": NOW.isoformat()}


def made(page: Page, address: str) -> None:
    """Open the tiny page, and wait until its widget is there."""
    page.goto(address, wait_until="commit")
    expect(page.locator(".made")).to_have_text("made for x")


def face_of(page: Page) -> Locator:
    face = page.locator(".quota-whatif")
    expect(face.locator(".headline")).to_contain_text("with a chance of")
    return face


def get(served: Served, path: str = "/", **headers: str) -> tuple[int, str]:
    """Ask the server, as somebody without a browser, and read the answer to its end."""
    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    found = answer.status, answer.read().decode(errors="replace")
    line.close()
    return found


def path_of(served: Served) -> str:
    return "/" + served.address.rpartition("/")[2]


# one kernel for one open page


@pytest.mark.long
def test_a_kernel_ends_at_once_when_its_tab_closes(tiny: str) -> None:
    """Also when the page is left, or loaded anew; other pages keep theirs."""
    with serving(tiny, unvisited=NEVER, lost=NEVER) as served, browser_page() as (page, _):
        made(page, served.address)
        first, other = served.kernels(), page.context.new_page()
        made(other, served.address)
        assert len(served.kernels()) == 2
        other.close(run_before_unload=True)
        until(lambda: served.kernels() == first, "the kernel of the closed tab ends")
        page.reload(wait_until="commit")
        expect(page.locator(".made")).to_have_text("made for x")
        until(lambda: len(served.kernels()) == 1, "a page that is loaded anew leaves one kernel")
        assert served.kernels() != first
        page.goto("about:blank")
        until(lambda: not served.kernels(), "the kernel of a page that is left ends")


def test_a_browser_that_is_gone_without_a_last_word_is_noticed(tiny: str) -> None:
    """It ends the connections of its pages with a code that says that they are gone."""
    with serving(tiny, unvisited=NEVER, lost=NEVER) as served:
        with browser_page() as (page, _):
            page.add_init_script("navigator.sendBeacon = () => false")
            made(page, served.address)
            assert len(served.kernels()) == 1
        until(lambda: not served.kernels(), "the kernel of a page without a browser ends")


def test_a_page_that_nobody_looks_at_ends(tiny: str) -> None:
    """One that was sent and never connected, after its time; one whose reader hangs up meanwhile, at once."""
    with serving(tiny, unvisited=2.0, lost=NEVER) as served:
        status, page = get(served, path_of(served))
        assert (status, len(served.kernels())) == (200, 1)
        assert "</html>" in page
        until(lambda: not served.kernels(), "the kernel of a page without a visitor ends")
    with serving(tiny, unvisited=NEVER, lost=NEVER) as served:
        with socket.create_connection(("127.0.0.1", served.port)) as line:
            line.sendall(f"GET {path_of(served)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert line.recv(1000)
            until(lambda: len(served.kernels()) == 1, "a kernel starts")
        until(lambda: not served.kernels(), "the kernel of a reader who hung up ends")


@pytest.mark.long
def test_a_lost_connection_keeps_the_levers(given: dict[str, str]) -> None:
    """A phone that was locked finds them where they were, also if the browser has given up to connect again."""
    with (
        serving(given=given, unvisited=NEVER, lost=NEVER) as served,
        line_to(served) as (line, address),
        browser_page(390, 844) as (page, _),
    ):
        page.goto(address, wait_until="commit")
        face = face_of(page)
        move(face)
        kernels = served.kernels()
        line.cut()
        expect(page.locator("#notice")).to_contain_text("The connection is lost. The levers are kept")
        line.mend()
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.locator("#notice")).to_be_hidden()
        assert served.kernels() == kernels
        expect(face.locator("[data-lever=win_rate]")).to_have_value("105")
        face.locator("[data-lever=win_rate]").press("ArrowRight")
        expect(face.locator(".changed")).to_contain_text("106%")


@pytest.mark.long
def test_after_its_time_the_page_offers_to_start_again_with_the_levers(given: dict[str, str]) -> None:
    """The kernel ends, the page says so when the line is back, and one press gives the levers in a new one."""
    with (
        serving(given=given, unvisited=NEVER, lost=1.0) as served,
        line_to(served) as (line, address),
        browser_page(390, 844) as (page, _),
    ):
        page.goto(address, wait_until="commit")
        move(face_of(page))
        line.cut()
        until(lambda: not served.kernels(), "the kernel of a lost page ends")
        line.mend()
        page.evaluate("dispatchEvent(new Event('online'))")
        again = page.get_by_role("button", name="Start again with these levers")
        expect(again).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        again.click()
        face = face_of(page)
        expect(face.locator("[data-lever=win_rate]")).to_have_value("105")
        expect(face.locator(".changed")).to_contain_text("105%")


@pytest.mark.long
def test_a_tab_that_the_phone_threw_away_offers_its_levers(given: dict[str, str]) -> None:
    """When it is loaded anew, the levers of before are one press away, and nobody is made to take them."""
    with serving(given=given, unvisited=NEVER, lost=NEVER) as served, browser_page(390, 844) as (page, _):
        page.goto(served.address, wait_until="commit")
        move(face_of(page))
        page.reload(wait_until="commit")
        face = face_of(page)
        expect(face.locator("[data-lever=win_rate]")).to_have_value("100")
        page.get_by_role("button", name="Take them again").click()
        expect(face.locator("[data-lever=win_rate]")).to_have_value("105")
        expect(page.locator("#notice")).to_be_hidden()


@pytest.mark.long
def test_a_kernel_that_dies_is_told(tiny: str) -> None:
    """A page whose kernel ran out of memory says that it has ended, and can be started again."""
    with serving(tiny, unvisited=NEVER, lost=NEVER) as served, browser_page() as (page, _):
        made(page, served.address)
        (kernel,) = served.kernels()
        os.kill(kernel, signal.SIGKILL)
        until(lambda: kernel not in served.kernels() and not served.kernels(), "no kernel takes its place")
        page.evaluate("dispatchEvent(new Event('online'))")
        page.get_by_role("button", name="Start again").click()
        expect(page.locator(".made")).to_have_text("made for x")


@pytest.mark.long
def test_more_pages_than_may_be_open_get_a_friendly_one(tiny: str) -> None:
    """It says what to do, and opens by itself when there is room."""
    with serving(tiny, most=2, unvisited=NEVER, lost=NEVER) as served, browser_page(390, 844) as (page, _):
        made(page, served.address)
        second, third = page.context.new_page(), page.context.new_page()
        made(second, served.address)
        answer = third.goto(served.address)
        assert answer is not None
        assert answer.status == 503
        expect(third.get_by_role("heading")).to_have_text("2 pages are open, and no more may be.")
        assert "salesops whatif --most 4" in third.content()
        assert len(served.kernels()) == 2
        second.close()
        expect(third.locator(".made")).to_have_text("made for x")
        assert len(served.kernels()) == 2


@pytest.mark.long
def test_thirty_loads_leave_no_memory_behind(tiny: str) -> None:
    """Fifteen in a browser, fifteen that nobody looks at, one after the other: then all is as before, to 100 MB."""
    with serving(tiny, unvisited=15.0, lost=NEVER) as served:
        before = served.memory()
        with browser_page() as (page, _):
            for _ in range(15):
                made(page, served.address)
        for _ in range(15):
            until(lambda: len(served.kernels()) < 8, "there is room for a page")
            assert get(served, path_of(served))[0] == 200
        until(lambda: not served.kernels(), "all kernels end")
        assert served.memory() - before < 100_000_000


# who is let in


@pytest.fixture(scope="module")
def served(tiny: str) -> Iterator[Served]:
    with serving(tiny, unvisited=1.0) as found:
        yield found


@pytest.mark.parametrize("path", ["page", "/voila/static/voila.js", "/api/kernels/1/channels", "/login", "/nowhere"])
def test_who_calls_the_machine_by_another_name_is_refused(served: Served, path: str) -> None:
    """A page elsewhere whose name leads to this machine reads nothing, with the token or without it."""
    asked = path_of(served) if path == "page" else path
    for host in ("evil.example", f"evil.example:{served.port}", "127.0.0.1.evil.example", "10.0.0.1", ""):
        status, text = get(served, asked, Host=host)
        assert (status, "made" in text) == (403, False)
    assert served.kernels() == set()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "[::1]:80"])
def test_the_machine_s_own_names_are_let_in(served: Served, host: str) -> None:
    """As a browser writes them, with a port or without."""
    assert get(served, "/login", Host=host)[0] == 200


def test_a_stranger_ends_no_page(served: Served) -> None:
    """The last word of a page counts only with its token."""
    line: Any = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        line.open(f"http://127.0.0.1:{served.port}/voila/api/shutdown/1", data=b"")


def test_the_server_ends_with_who_started_it(tiny: str) -> None:
    """Also if that is killed: no kernel and no server stays."""
    with serving(tiny, unvisited=NEVER, lost=NEVER) as served:
        assert get(served, path_of(served))[0] == 200
        below = served.processes()
        assert len(below) >= 2
        served.process.kill()
        served.process.wait()
        until(lambda: not any(process.is_running() and process.status() != "zombie" for process in below), "all end")


def move(face: Locator) -> None:
    """Move a lever, and wait until the numbers are the exact ones."""
    slider = face.locator("[data-lever=win_rate]")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    expect(face.locator(".changed")).to_contain_text("105%")
    face.page.wait_for_function("document.querySelector('.quota-whatif').dataset.exact === 'true'")
    expect(slider).to_have_value("105")
