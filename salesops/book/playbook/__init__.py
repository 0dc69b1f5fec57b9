"""The contingency playbook of a book: playbook.toml, overrides.csv and play_log.csv, read and checked.

Which client gets which play is worked out in `salesops.models.plays`; here is what people write.
"""

from salesops.book.playbook.check import playbook_findings, playbook_notes
from salesops.book.playbook.columns import CLIENT_COLUMNS, ClientColumn
from salesops.book.playbook.conditions import Condition
from salesops.book.playbook.log import LOG_COLUMNS, append_log, read_log
from salesops.book.playbook.overrides import Override, read_overrides
from salesops.book.playbook.read import Play, Playbook, find_playbook, parse_playbook, read_playbook

__all__ = [
    "CLIENT_COLUMNS",
    "LOG_COLUMNS",
    "ClientColumn",
    "Condition",
    "Override",
    "Play",
    "Playbook",
    "append_log",
    "find_playbook",
    "parse_playbook",
    "playbook_findings",
    "playbook_notes",
    "read_log",
    "read_overrides",
    "read_playbook",
]
