"""The quota what-if in a real browser, in JupyterLab and as a page of its own; nothing but this machine is reached."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from lab import ROOT, SLOW, browser_page, lab, open_notebook, run_cell, write_notebook
from playwright.sync_api import Locator, Page, expect
from whatif_books import NOW, QUARTER, book_of

from salesops import words
from salesops.book.source import open_book
from salesops.models.forecast.corrected import forecast_inputs
from salesops.models.forecast.inputs import Inputs
from salesops.models.quota import Scenario, baseline, outcome, read_scenario

pytestmark = pytest.mark.browser
CELL = f"""import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "support")!r}]
from pathlib import Path
from whatif_books import NOW, QUARTER, book_of
from salesops.widgets import quota_whatif
made = book_of(Path("book")) if not Path("book").exists() else __import__("salesops").open_book("book")
quota_whatif(made, QUARTER, NOW, folder="book/scenarios")"""


@pytest.mark.long
def test_whatif_in_jupyterlab(tmp_path: Path) -> None:
    """Keys, mouse and typing move levers; numbers are those of the pure function; what is saved comes back."""
    write_notebook(tmp_path / "whatif.ipynb", [CELL])
    with lab(tmp_path) as address, browser_page() as (page, asked):
        open_notebook(page, address, "whatif.ipynb")
        page.click(".jp-Notebook .jp-CodeCell .cm-content")
        run_cell(page)
        face = page.locator(".quota-whatif")
        expect(face.locator(".headline")).to_contain_text("with a chance of")
        start, inputs = begin(tmp_path / "book")
        moved = _by_keyboard(face, inputs, start)
        moved = _by_mouse(page, face, inputs, moved)
        moved = _typed(face, inputs, moved)
        _lock_undo_reset(face, inputs, start, moved)
        _rapid(page, face, inputs, start)
        saved = _saved(face, inputs, start, tmp_path / "book")
        open_notebook(page, address, "whatif.ipynb")
        page.click(".jp-Notebook .jp-CodeCell .cm-content")
        run_cell(page)
        face = page.locator(".quota-whatif").last
        expect(face.locator(".compare thead")).to_contain_text("Plan <b>A</b>")
        face.get_by_role("button", name="Open Plan <b>A</b>").click()
        shows(face, inputs, saved)
        assert asked == []


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The page of a tiny book, as `salesops whatif` serves it: its address, and the book's folder."""
    folder = tmp_path_factory.mktemp("served") / "book"
    book_of(folder)
    with whatif("--book", str(folder), "--as-of", NOW.isoformat()) as (address, _):
        yield address, folder


@contextmanager
def whatif(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the command and give the address that it tells."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with socket.socket() as probe:  # a page beside this one, of another worker, may look for a port at the same time
        probe.bind(("127.0.0.1", 0))
        options = options if "--port" in options else (*options, "--port", str(probe.getsockname()[1]))
    command = [Path(sys.executable).parent / "salesops", "whatif", *options, "--no-browser"]
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        told = ""
        assert server.stdout is not None
        while "Ctrl-C" not in told:
            line = server.stdout.readline()
            assert line, told
            told += line
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", told)
        assert found, told
        yield found[0], server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(SLOW / 1000)
        if server.stdout is not None:
            server.stdout.close()


@pytest.mark.long
def test_the_page_needs_no_jupyter(served: tuple[str, Path]) -> None:
    """The page shows the same numbers, at phone width too, without code and without a request outside."""
    address, folder = served
    start, inputs = begin(folder)
    with browser_page(390, 844) as (page, asked):
        face = visit(page, address)
        moved = _by_keyboard(face, inputs, start)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        expect(page.locator("pre, code.language-python, .jp-InputArea")).to_have_count(0)
        _typed(face, inputs, moved)
        assert asked == []


@pytest.mark.long
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_page_is_accessible(served: tuple[str, Path], width: int, scheme: Any) -> None:
    """axe-core finds no violation, with every group open, in light and dark; the headline is told when it changes."""
    with browser_page(width, 900) as (page, _):
        page.emulate_media(color_scheme=scheme)
        face = visit(page, served[0])
        page.evaluate("document.querySelectorAll('.quota-whatif details').forEach(one => { one.open = true; })")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert face.locator(".headline").get_attribute("aria-live") == "polite"
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_strangers_see_nothing(served: tuple[str, Path]) -> None:
    """Without the token the page asks for it, and shows nothing of the book."""
    with browser_page() as (page, _):
        page.goto(served[0].partition("?")[0])
        expect(page.get_by_label("Password or token")).to_be_visible()
        assert "Tiny" not in page.content()


def test_export_and_book_from_the_page(served: tuple[str, Path]) -> None:
    """Quotas that are typed leave as CSV and go to the book, where they count."""
    address, folder = served
    with browser_page() as (page, _):
        face = visit(page, address)
        type_quota(face, "=Rep C", "77")
        face.get_by_text("Share and export").click()
        face.get_by_role("button", name="Export quotas to CSV").click()
        expect(face.locator(".said")).to_contain_text("Wrote the quotas to")
        text = (folder / "scenarios" / "quotas.csv").read_text(encoding="utf-8-sig")
        assert '"\'=Rep C"' in text
        face.get_by_label("Name of the version").fill("Board")
        face.get_by_role("button", name="Write quotas to the book").click()
        expect(face.locator(".said")).to_contain_text("The book has the quotas as version “2026-10-30 001 Board”")
    quotas = forecast_inputs(open_book(folder), QUARTER, NOW).reps.set_index("user_id").quota
    assert quotas.to_dict() == {"A": 150, "B": 150, "C": 77}


def test_a_port_that_is_taken_and_ctrl_c(served: tuple[str, Path]) -> None:
    """A second page takes the next free port; Ctrl-C ends it cleanly."""
    taken = re.search(r":(\d+)/", served[0])
    assert taken
    with whatif("--book", str(served[1]), "--port", taken[1], "--as-of", NOW.isoformat()) as (address, server):
        assert f":{taken[1]}/" not in address
        os.killpg(server.pid, signal.SIGINT)
        assert server.wait(SLOW / 1000) == 0
        assert server.stdout is not None
        assert "The page is closed. What was saved is kept." in server.stdout.read()


def begin(folder: Path) -> tuple[Scenario, Inputs]:
    book = open_book(folder)
    return baseline(book, QUARTER), forecast_inputs(book, QUARTER, NOW)


def visit(page: Page, address: str) -> Locator:
    page.goto(address, wait_until="commit")
    face = page.locator(".quota-whatif")
    expect(face.locator(".headline")).to_contain_text("with a chance of")
    return face


def shows(face: Locator, inputs: Inputs, scenario: Scenario) -> None:
    """Wait until the face shows what the pure function gives: the company's chance, each rep's, each quota."""
    found = outcome(inputs, scenario)
    face.page.wait_for_function(
        "([busy, wanted]) => { const face = [...document.querySelectorAll('.quota-whatif')].at(-1);"
        " return face.dataset.busy === busy && face.dataset.exact === 'true' &&"
        " face.querySelector('.sums .now').textContent === wanted; }",
        arg=["false", words.chance_in_doubt(found.p_target, found.p_low, found.p_high)],
    )
    for name, chance in zip(found.reps.user_name, found.reps.p_attain, strict=True):
        line = face.locator(".reps tbody tr").filter(has_text=str(name))
        if line.count():
            expect(line.locator(".chance")).to_have_text(words.chance(chance))


def _by_keyboard(face: Locator, inputs: Inputs, start: Scenario) -> Scenario:
    slider = face.locator("[data-lever=win_rate]")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    moved = replace(start, win_rate=1.12)
    shows(face, inputs, moved)
    expect(slider).to_be_focused()
    return moved


def _by_mouse(page: Page, face: Locator, inputs: Inputs, moved: Scenario) -> Scenario:
    slider = face.locator("[data-lever=deal_size]")
    slider.scroll_into_view_if_needed()
    place = slider.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 3, place["y"] + place["height"] / 2)
    page.mouse.down()
    for part in (0.4, 0.5, 0.6, 0.7):
        page.mouse.move(place["x"] + part * place["width"], place["y"] + place["height"] / 2)
    page.mouse.up()
    value = float(slider.input_value())
    assert value > 110
    moved = replace(moved, deal_size=value / 100)
    shows(face, inputs, moved)
    return moved


def _typed(face: Locator, inputs: Inputs, moved: Scenario) -> Scenario:
    box = face.get_by_label("Company target", exact=True)
    box.fill("420")
    box.press("Enter")
    type_quota(face, "=Rep C", "90")
    moved = replace(moved, target=420.0, quotas=(("C", 90.0),))
    shows(face, inputs, moved)
    box.fill("-5")
    box.press("Enter")
    expect(face.locator(".said.alert")).to_contain_text("Company target: target must be money, 0 or more. Got -5.0.")
    expect(box).to_have_value("420")
    shows(face, inputs, moved)
    return moved


def type_quota(face: Locator, name: str, value: str) -> None:
    box = face.get_by_label(f"Quota of {name}", exact=True)
    box.fill(value)
    box.press("Enter")


def _lock_undo_reset(face: Locator, inputs: Inputs, start: Scenario, moved: Scenario) -> None:
    face.get_by_role("button", name="Undo").click()
    shows(face, inputs, replace(moved, quotas=()))
    face.get_by_role("button", name="Redo").click()
    shows(face, inputs, moved)
    expect(face.get_by_role("button", name="Redo")).to_be_disabled()
    face.get_by_role("button", name="Undo").click()
    shows(face, inputs, replace(moved, quotas=()))
    face.get_by_role("button", name="Lock Win rate").click()
    expect(face.locator("[data-lever=win_rate]")).to_be_disabled()
    face.get_by_role("button", name="Reset").click()
    shows(face, inputs, replace(start, win_rate=1.12))
    face.get_by_role("button", name="Lock Win rate").click()
    face.get_by_role("button", name="Reset").click()
    shows(face, inputs, start)


def _rapid(page: Page, face: Locator, inputs: Inputs, start: Scenario) -> None:
    """Sixty changes, as fast as the browser can make them, end in the right state."""
    page.evaluate("""() => {
        const faces = document.querySelectorAll('.quota-whatif'), face = faces[faces.length - 1];
        for (let n = 1; n <= 60; n += 1) {
            const slider = face.querySelector(`[data-lever=${n % 3 ? 'win_rate' : 'deal_size'}]`);
            if (n < 58) slider.dispatchEvent(new PointerEvent('pointerdown'));
            slider.value = 70 + n;
            slider.dispatchEvent(new Event('input', { bubbles: true }));
            if (n >= 58) slider.dispatchEvent(new Event('change', { bubbles: true }));
        }
    }""")
    shows(face, inputs, replace(start, win_rate=1.29, deal_size=1.3))
    expect(face.locator("[data-lever=win_rate]")).to_have_value("129")
    expect(face.get_by_label("Deal size", exact=True)).to_have_value("130")


def _saved(face: Locator, inputs: Inputs, start: Scenario, folder: Path) -> Scenario:
    """Save under a name that is never markup; the file holds what is shown."""
    face.get_by_label("Name of the scenario").fill("Plan <b>A</b>")
    face.get_by_role("button", name="Save", exact=True).click()
    expect(face.locator(".said")).to_contain_text("Saved to")
    expect(face.locator(".compare thead th")).to_have_text(["Baseline", "Now", "Plan <b>A</b>"])
    (path,) = (folder / "scenarios").glob("*.toml")
    saved = read_scenario(path, open_book(folder), QUARTER)
    assert saved == replace(start, name="Plan <b>A</b>", win_rate=1.29, deal_size=1.3)
    shows(face, inputs, saved)
    return saved
