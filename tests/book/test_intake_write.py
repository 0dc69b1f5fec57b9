"""An import is written whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from intake_export import DEALS, MAP, rows, run, write_export

from salesops.book.source import open_book
from salesops.errors import IntakeError
from salesops.intake import import_book
from salesops.intake import run as intake_run


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A small export of users and deals, beside map.toml."""
    return write_export(tmp_path)


def refused(export: Path, message: str, **options: bool) -> str:
    """Run an import that must be refused, and see that it leaves nothing behind."""
    before = sorted(export.parent.iterdir())
    with pytest.raises(IntakeError, match=message) as error:
        run(export, **options)
    assert sorted(export.parent.iterdir()) == before
    return str(error.value)


def test_an_existing_destination_is_left_alone(export: Path) -> None:
    """A folder that holds something is never written into, and replaced only when asked."""
    first = run(export)
    stamp = (first.dest / "book.toml").stat().st_mtime_ns
    refused(export, "exists and is not empty.*--replace")
    assert (first.dest / "book.toml").stat().st_mtime_ns == stamp
    (export / "deals.csv").write_text(DEALS.replace("D3,u2,Open,,\n", ""))
    run(export, replace=True)
    kept = open_book(first.dest).table("opportunities").filter(lambda t: ~t.is_deleted)
    assert sorted(kept.to_pyarrow()["opportunity_id"].to_pylist()) == ["D1", "D2"]
    assert sorted(path.name for path in export.parent.iterdir()) == ["book", "export", "map.toml"]


def test_replace_never_removes_what_no_import_wrote(export: Path) -> None:
    """A folder with other files is not replaced, nor one that holds the source."""
    dest = export.parent / "book"
    dest.mkdir()
    (dest / "thesis.docx").write_text("years of work")
    refused(export, "holds files that no import wrote .first: thesis.docx", replace=True)
    with pytest.raises(IntakeError, match="holds the source"):
        import_book(export.parent / "map.toml", export, export.parent, replace=True)
    assert (dest / "thesis.docx").exists()


def test_replace_keeps_settings_that_people_added(export: Path) -> None:
    """What was added to book.toml survives the weekly import and is named; what the map says goes before."""
    settings = run(export).dest / "book.toml"
    settings.write_text('currency = "USD"\nstage_order = ["Ask", "Offer"]\nfiscal_year_start = 4\n')
    result = run(export, replace=True)
    config = open_book(result.dest).config
    assert (config.currency, config.stage_order, config.fiscal_year_start) == ("EUR", ("Ask", "Offer"), 4)
    assert "book.toml: kept from the previous book: stage_order, fiscal_year_start" in result.lines()
    settings.write_text("currency = \n")
    refused(export, "book.toml is not valid TOML.*Correct the file", replace=True)


def test_replace_carries_over_what_people_wrote(export: Path) -> None:
    """A playbook, its overrides and its log belong to people; the weekly import leaves them as they are."""
    dest = run(export).dest
    for name in ("playbook.toml", "overrides.csv", "play_log.csv"):
        (dest / name).write_text(f"words in {name}")
    run(export, replace=True)
    for name in ("playbook.toml", "overrides.csv", "play_log.csv"):
        assert (dest / name).read_text() == f"words in {name}"


def test_a_failed_replacement_keeps_the_old_book(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while writing leaves the old book as it was and no folder of ours."""
    run(export)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(intake_run, "write_settings", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(export, replace=True)
    assert len(rows(export.parent / "book" / "opportunities.parquet")) == 3
    assert sorted(path.name for path in export.parent.iterdir()) == ["book", "export", "map.toml"]


def test_ctrl_c_in_a_query_leaves_nothing(export: Path) -> None:
    """Ctrl-C while the database works ends the import as an interrupt, without DEST or a temporary folder."""
    endless = "SELECT a.range::VARCHAR AS territory_id, 'x' AS territory_name FROM range(10000000) a, range(1000000) b"
    (export.parent / "map.toml").write_text(MAP + f'[tables.territories]\nselect = "{endless}"\n')
    begun = time.process_time()

    def interrupt() -> None:
        while time.process_time() - begun < 2:  # the import without the query takes a small part of it
            tick.wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    tick, thread = threading.Event(), threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(export)
    thread.join()
    assert sorted(path.name for path in export.parent.iterdir()) == ["export", "map.toml"]


def test_a_destination_that_cannot_be_written(export: Path) -> None:
    """A place where no folder can be made is refused with its name, and no traceback."""
    blocked = export.parent / "map.toml" / "book"
    with pytest.raises(IntakeError, match=r"stopped at .*map\.toml.*Nothing was written"):
        import_book(export.parent / "map.toml", export, blocked)


def test_a_full_disk_leaves_nothing(export: Path) -> None:
    """When no more can be written, the import is refused and its unfinished folder removed."""
    program = (
        "import resource, sys; from pathlib import Path; from salesops.intake import import_book\n"
        "from salesops.errors import IntakeError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "where = Path(sys.argv[1])\n"
        "try: import_book(where / 'map.toml', where / 'export', where / 'new' / 'book')\n"
        "except IntakeError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, str(export.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Nothing was written" in done.stdout
    assert sorted(path.name for path in export.parent.iterdir()) == ["export", "map.toml"]
