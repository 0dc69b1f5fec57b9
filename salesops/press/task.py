"""One report as it goes to the process that makes it, and what comes back."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path

from salesops.press.compare import Earlier
from salesops.press.plan import Outcome, Report, Status


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a report may use: seconds for one cell and for all of it, bytes of memory; 0 means no limit."""

    cell: float = 600
    report: float = 1800
    memory: int = 0


@dataclass(frozen=True)
class Death:
    """How the process of a report died: `why` in words, `traces` where its threads stood, if that is known."""

    status: Status
    why: str
    traces: str = ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One report to make, and how.

    Parameters
    ----------
    out : Path
        The folder for the pages.
    scratch : Path
        A folder of this report alone; it goes when the report has ended.
    drawing : str
        The address of the process that draws charts; "" draws them where the page is made.
    earlier : tuple of Earlier
        The runs of the report that were not the same, in the order in which they were made.
    death : Death or None
        How the process of an earlier try died. Then nothing runs: the page shows what that try had shown.
    """

    report: Report
    out: Path
    scratch: Path
    limits: Limits = field(default_factory=Limits)
    drawing: str = ""
    earlier: tuple[Earlier, ...] = ()
    death: Death | None = None

    @property
    def key(self) -> str:
        """What tells this report from the others of a run."""
        return self.scratch.name

    @property
    def journal(self) -> Path:
        """The file of what the notebook shows, as it shows it."""
        return self.scratch / "journal"

    @property
    def traces(self) -> Path:
        """The file that says where each thread stood when the process died."""
        return self.scratch / "traces"

    def leave(self, outcome: Outcome | OSError) -> None:
        """Leave what became of the report in its scratch folder, whole or not at all."""
        part = self._left.with_suffix(".part")
        try:
            part.write_bytes(pickle.dumps(outcome))
        except OSError:  # where the folder is full, the journal makes room: it was for the case of a death
            self.journal.unlink(missing_ok=True)
            part.write_bytes(pickle.dumps(outcome))
        part.replace(self._left)

    def left(self) -> Outcome | OSError:
        """Return what became of the report."""
        outcome: Outcome | OSError = pickle.loads(self._left.read_bytes())
        return outcome

    @property
    def _left(self) -> Path:
        return self.scratch / "outcome"
