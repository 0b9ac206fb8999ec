# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request log: the calls and the names of their parameters. It never contains the value of a secret."""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .http_messages import Parameters

if TYPE_CHECKING:
    from .api import Call
    from .store import Account

TABLE = "calls"
# No number is used twice, even after the log is cleared. So a delayed call finds its own entry or none.
SCHEMA = f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);"

# The answer that the client got. ERROR includes the error of a fault in the service's own form. NONE is everything that
# is not an answer of the service: a closed connection, a page of another server, half a body.
OK = "ok"
ERROR = "error"
NONE = "none"

# The name for a call without a known operation.
UNKNOWN = "unknown"

# Keys that an entry only has if they are set.
_OMITTED_IF_FALSE = ("fault", "limited")

# Maximum length of texts in characters, and maximum number of names, so that a faulty client cannot fill the log.
_TEXT_LIMIT = 255
_NAME_LIMIT = 64
_NAMES_LIMIT = 200


@dataclass(frozen=True)
class LogEntry:
    """One API call.

    `api_user` is None unless the credentials were right. `user` is the target customer with its name before the call.
    `attempted_write`: the operation is one that writes. `wrote`: the operation is one that writes, and it succeeded,
    even if the client got an error. `connection` and `in_flight`: see `ConnectionInfo`. `fault`: the fault that was
    played. `limited`: the call exceeded the rate limit. `more`: keys that only the entries of one API have.
    """

    time: str
    operation: str
    family: str | None
    verb: str
    api_user: str | None
    user: str | None
    format: str | None
    attempted_write: bool
    wrote: bool
    outcome: str
    query_parameters: list[str]
    body_parameters: list[str]
    content_type: str | None
    connection: int
    in_flight: int
    fault: str | None
    limited: bool
    more: Mapping[str, str | None]


@dataclass(frozen=True)
class LogOverrides:
    """What a fault or the rate limit changes in an entry.

    `outcome` is None if the client can read the real answer.
    """

    fault: str | None = None
    outcome: str | None = None
    limited: bool = False


NO_OVERRIDES = LogOverrides()


def _truncate(text: str | None) -> str | None:
    return None if text is None else text[:_TEXT_LIMIT]


def _parameter_names(pairs: Parameters) -> list[str]:
    return sorted({name[:_NAME_LIMIT] for name, _value in pairs})[:_NAMES_LIMIT]


def _now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_entry(
    call: Call, account: Account | None, succeeded: bool, overrides: LogOverrides, takes_effect: bool = True
) -> LogEntry:
    """Describe a call. `account`: the account of its credentials. `takes_effect`: whether its effect is kept."""
    writes = call.operation is not None and call.operation.writes
    return LogEntry(
        time=_now(),
        operation=call.operation.name if call.operation else UNKNOWN,
        family=call.family,
        verb=call.verb[:_NAME_LIMIT],
        api_user=_truncate(account.api_user if account else None),
        user=_truncate(call.target),
        format=call.format,
        attempted_write=writes,
        wrote=writes and succeeded and takes_effect,
        outcome=overrides.outcome or (OK if succeeded else ERROR),
        query_parameters=_parameter_names(call.query),
        body_parameters=_parameter_names(call.body),
        content_type=_truncate(call.content_type),
        connection=call.connection_info.connection,
        in_flight=call.connection_info.in_flight,
        fault=overrides.fault,
        limited=overrides.limited,
        more={key: _truncate(value) for key, value in call.log_keys.items()},
    )


def _to_json(entry: LogEntry) -> str:
    """The entry as JSON. Some keys are left out if they are false."""
    keys = {**vars(entry), **entry.more}
    del keys["more"]
    return json.dumps({key: value for key, value in keys.items() if value or key not in _OMITTED_IF_FALSE})


def append(db: sqlite3.Connection, entry: LogEntry) -> int:
    """Write an entry and return its number."""
    number = db.execute(f"INSERT INTO {TABLE} (entry) VALUES (?)", (_to_json(entry),)).lastrowid
    assert number is not None
    return number


def replace(db: sqlite3.Connection, number: int, entry: LogEntry) -> None:
    """Replace the entry with this number. It is written even if the log was cleared."""
    db.execute(f"INSERT OR REPLACE INTO {TABLE} (id, entry) VALUES (?, ?)", (number, _to_json(entry)))


def read(db: sqlite3.Connection, after: int) -> str:
    """The entries as JSON, oldest first, without the first `after`. Each entry is stored as JSON already."""
    rows = db.execute(f"SELECT entry FROM {TABLE} ORDER BY id LIMIT -1 OFFSET ?", (after,))
    return f"[{','.join([text for (text,) in rows])}]"


def clear(db: sqlite3.Connection) -> None:
    db.execute(f"DELETE FROM {TABLE}")
