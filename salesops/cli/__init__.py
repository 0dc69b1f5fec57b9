"""The command line: `salesops check`, `import`, `sample`, `list`, `run`, `schedule` and `whatif`.

Each command imports what it needs when it runs, so that `salesops --help` answers at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salesops.cli.outside import accept_all_letters, stoppable, tell
from salesops.errors import PressError, SalesopsError, system_reason

if TYPE_CHECKING:
    from salesops.press.deliver import Delivery
    from salesops.press.send import Posted

app = typer.Typer(
    help="A company's sales tables, checked, and reports from them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

BookPath = Annotated[str, typer.Argument(metavar="BOOK", help="A folder of tables, or duckdb:///path/to/file.duckdb.")]
OutDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the pages. Default: reports/site.")]
Jobs = Annotated[
    int, typer.Option(min=1, show_default=False, help="Reports made at the same time. Default: one a processor.")
]
PROCESSORS = os.cpu_count() or 2
STOPPED = 130  # what a shell expects after Ctrl-C
ALERTED = 3  # nothing failed, but a result wants attention


class Size(StrEnum):
    """How large a sample company is."""

    small = "small"
    medium = "medium"
    large = "large"


class Engine(StrEnum):
    """What runs a report."""

    auto = "auto"
    warm = "warm"
    stock = "stock"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 1 for what a person can repair, 128 and its number for a signal."""
    accept_all_letters()
    with stoppable() as came:
        try:
            app(args=arguments, prog_name="salesops")
        except SystemExit as end:
            if end.code == STOPPED:
                tell("Stopped. What was finished is kept, and nothing is half-written.", err=True)
                return 128 + came[0] if came else STOPPED
            return int(end.code or 0)
        except SalesopsError as error:
            tell(*f"Error: {error}".split("\n"), err=True)  # each of its lines is one
        except OSError as error:
            where = f"'{error.filename}': " if error.filename else ""
            tell(f"Error: {where}{system_reason(error)}", err=True)
    return 1


@app.command()
def check(book: BookPath) -> None:
    """Check a book, and tell which reports it can feed."""
    from salesops.cli.checking import tell_check

    raise typer.Exit(0 if tell_check(book, _home() / "notebooks") else 1)


@app.command("import")
def import_(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A folder or a file: CSV, XLSX, Parquet, SQLite, DuckDB.")
    ],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="The new book's folder.")],
    map: Annotated[str, typer.Option(metavar="MAP", help="A name in data/maps/, or the path of a TOML file.")],
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Set rows aside that would refuse the import.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace DEST if it is a book.")] = False,
) -> None:
    """Make a book from an export, by a map."""
    from salesops.cli.checking import tell_findings
    from salesops.intake import import_book

    intake = import_book(map, source, dest, set_aside=set_aside, replace=replace)
    tell(*intake.lines())
    for warning in intake.warnings:
        tell(f"Warning: {warning}", err=True)
    raise typer.Exit(0 if tell_findings(str(dest)) else 1)


@app.command()
def sample(
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="The new book's folder.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same company.")] = 1,
    size: Annotated[Size, typer.Option(help="small: 40 reps; large: 10 million order lines.")] = Size.small,
) -> None:
    """Write the tables of an invented company."""
    from salesops.sample import write_sample

    write_sample(dest, seed=seed, size=size.value)
    tell(f"The {size.value} sample company is in {dest}.")


@app.command("list")
def list_() -> None:
    """List the notebooks: what each asks, for whom, and what it needs."""
    from salesops.cli.listing import tell_notebooks

    tell_notebooks(_home() / "notebooks")


@app.command()
def run(
    notebook: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NOTEBOOK]...", help="Names in notebooks/, or paths. Without: what reports/reports.toml lists."
        ),
    ] = None,
    book: Annotated[str | None, typer.Option(help="A folder of tables, or duckdb:///path/to/file.duckdb.")] = None,
    period: Annotated[str | None, typer.Option(help="Like 2026-Q3, 2026-08, FY2026 or 2026-01-15..2026-02-14.")] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Report what was known at the end of this day.")
    ] = None,
    manager: Annotated[str | None, typer.Option(help="Only this manager, by id or name, and everyone below.")] = None,
    rep: Annotated[str | None, typer.Option(help="The rep, by id or name.")] = None,
    for_each: Annotated[
        str,
        typer.Option(
            metavar="rep|manager|account|owner",
            help="One report for each rep of the period, team, client, or owner of contracts and orders.",
        ),
    ] = "",
    redact: Annotated[bool, typer.Option("--redact", help="Pseudonyms in place of names.")] = False,
    redact_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key of pseudonyms. Default: SALESOPS_REDACT_KEY, or one of your own."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            metavar="NAME=VALUE",
            help="Any other parameter of the notebook. A secret is safer in SALESOPS_SECRET_NAME.",
        ),
    ] = None,
    out: OutDir = None,
    jobs: Jobs = PROCESSORS,
    engine: Annotated[
        Engine, typer.Option(help="warm: reports are forks of one process that has all imported. stock: a kernel each.")
    ] = Engine.auto,
    force: Annotated[bool, typer.Option("--force", help="Also make reports that would be the same.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print each page to PDF too, with an installed Chromium.")] = False,
    mail: Annotated[bool, typer.Option("--mail", help="Write each page as a mail too (.eml), to be sent.")] = False,
    send: Annotated[
        bool, typer.Option("--send", help="Send each page to whom reports.toml says, once, as the schedule does.")
    ] = False,
    cell_seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Stop a cell that runs longer. Default: 600.")
    ] = None,
    report_seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Stop a report that runs longer. Default: 1800.")
    ] = None,
    memory_mb: Annotated[
        int | None, typer.Option(min=1, help="Memory of a report. Default: a fair share of the machine's.")
    ] = None,
) -> None:
    """Run notebooks into pages, and list them in an index.

    Exits with 0 if all is well, 1 if a report could not be made or sent, 2 if the command is written wrong, 3 if all
    were and an alert was raised, 130 after Ctrl-C. What became of each report stands in DIR/index.json.
    """
    from salesops.book.redact import use_key_of
    from salesops.cli.asking import asked_for, prepare
    from salesops.cli.making import make
    from salesops.press.deliver import How, deliver

    if redact_key:
        use_key_of(redact_key)
    named = {"book": book, "period": period, "as_of": as_of, "manager": manager, "rep": rep, "redact": redact or None}
    given = {name: value for name, value in named.items() if value is not None} | _pairs(parameter or [])
    settings = asked_for(notebook or [], given, for_each, _home())
    limits = settings.limits
    how = How(
        jobs=jobs,
        engine=engine.value,
        limits=replace(
            limits,
            cell=cell_seconds or limits.cell,
            report=report_seconds or limits.report,
            memory=(memory_mb or 0) * 1_000_000 or limits.memory,
        ),
        force=force,
        pdf=pdf or settings.pdf,
        mail=mail or settings.mail,
        keep_periods=settings.keep_periods,
        smtp=settings.smtp if send else None,
    )
    if notebook:  # what someone types can be repaired at once
        delivery = deliver(prepare(settings.wanted, _home() / "notebooks"), out or settings.out, how)
    else:
        delivery, _ = make(settings.wanted, out or settings.out, how, _home())
    _end(delivery)


@app.command()
def schedule(
    once: Annotated[
        bool, typer.Option("--once", help="Make what is due and end: for cron, systemd or a task planner.")
    ] = False,
    out: OutDir = None,
    jobs: Jobs = PROCESSORS,
) -> None:
    """Make the reports of reports/reports.toml whenever their `every` says.

    It stays until Ctrl-C, and sends new pages to whom `to` says. What was due while it did not run is made when it
    starts, once. With --once it exits as run does.
    """
    from salesops.cli.scheduling import keep, make_due

    if not once:
        keep(_home(), out, jobs)
        return
    delivery = make_due(_home(), out, jobs)
    if delivery is None:
        tell("Nothing is due.")
        return
    _end(delivery)


@app.command()
def whatif(
    book: Annotated[str, typer.Option(help="A folder of tables, or duckdb:///path/to/file.duckdb.")],
    period: Annotated[str | None, typer.Option(help="Like 2026-Q4. Default: the running one.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Start from what was known on this day.")] = None,
    scenarios: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of saved scenarios. Default: scenarios, in the book.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where to listen; else the next free one.")] = 8866,
    most: Annotated[int, typer.Option(min=1, help="Pages open at a time; each needs the memory of a report.")] = 8,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open the quota what-if as a page in the browser, on this machine alone.

    A page ends when it is closed, or after 15 minutes without a connection.
    """
    from salesops.cli.asking import prepare
    from salesops.press.live import Limits, serve
    from salesops.press.plan import book_address
    from salesops.press.settings import Wanted

    named = {"period": period, "as_of": as_of, "book": book_address(book, Path.cwd())}
    if scenarios:
        named["scenarios"] = str(scenarios.resolve())
    given = {name: value for name, value in named.items() if value is not None}
    (report,) = prepare([Wanted(notebook="quota_whatif", given=given)], _home() / "notebooks")
    limits = Limits(most=most)
    serve(report, port=port, browse=not no_browser, limits=limits, tell=lambda words: tell(*words.split("\n")))


def _end(delivery: Delivery) -> None:
    tell(_summary(delivery))
    posted = delivery.posted
    wrong = delivery.failed or delivery.unplanned or posted.unsent or posted.aside or posted.undeliverable
    raise typer.Exit(1 if wrong else ALERTED if delivery.alerted or posted.withheld else 0)


def _summary(delivery: Delivery) -> str:
    told = [f"{delivery.made - delivery.failed} of {delivery.made} reports made"]
    if delivery.unplanned:
        told.append(f"{delivery.unplanned} asked for and not made, as told above")
    told += _told_posted(delivery.posted)
    if delivery.skipped:
        told.append(f"{delivery.skipped} unchanged and not made again (--force makes all)")
    if delivery.alerted:
        told.append(f"{delivery.alerted} with an alert")
    return f"{', '.join(told)}. Open {delivery.index}"


def _told_posted(posted: Posted) -> Iterator[str]:
    if posted.sent:
        yield f"{posted.sent} sent"
    if posted.unsent:
        yield f"{posted.unsent} to be sent the next time"
    if posted.aside:
        again = f" from {posted.next:%Y-%m-%d %H:%M} UTC on" if posted.next else ""
        yield f"{posted.aside} set aside and tried again{again}"
    if posted.undeliverable:
        yield f"{posted.undeliverable} undeliverable"
    if posted.withheld:
        yield f"{posted.withheld} too old to be sent"


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if not text.partition("=")[0].strip() or "=" not in text:
            raise PressError(f"A parameter must be written like -p min_deals=5. Got '{text}'.")
    return {name.strip(): value for name, _, value in (text.partition("=") for text in texts)}


def _home() -> Path:
    """Return the folder with notebooks/: where we are, or else the checkout that this code belongs to."""
    here = Path.cwd()
    return here if (here / "notebooks").is_dir() else Path(__file__).resolve().parents[2]
