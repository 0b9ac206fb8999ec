# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request log: what was called, and with which parameter names. Never the value of a secret."""

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
# No number comes twice, also not after a clearing: a call that acts late finds its own entry, or none.
SCHEMA = f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);"

# What the client was told. ERROR also stands for a fault's error in the service's own form, NONE for whatever is no
# answer of the service: a closed connection, somebody else's page, half a body.
OK = "ok"
ERROR = "error"
NONE = "none"

# The operation of a call that asks for none.
UNKNOWN = "unknown"

# Keys that an entry has only where they say something.
_OMITTED_IF_FALSE = ("fault", "limited")

# Longest texts that are kept, in characters, and most names: a client's accident must not fill the log.
_TEXT_LIMIT = 255
_NAME_LIMIT = 64
_NAMES_LIMIT = 200


@dataclass(frozen=True)
class LogEntry:
    """One API call.

    `api_user` is None unless the credentials were right. `user` is the customer that was aimed at, by its name before
    the call. `attempted_write`: the operation is one that writes. `wrote`: it is, and it succeeded, whatever the client
    was told. `connection` and `in_flight`: see `ConnectionInfo`. `fault`: the fault that was played.
    `limited`: the call was beyond the rate limit. `more`: keys that only the entries of one API have.
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

    `outcome` is None where the client can read the real answer.
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
    """Describe a call. `account`: whose credentials it has. `takes_effect`: whether what it did is kept."""
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
    """The entry as JSON, without the keys that are left out where they are false."""
    keys = {**vars(entry), **entry.more}
    del keys["more"]
    return json.dumps({key: value for key, value in keys.items() if value or key not in _OMITTED_IF_FALSE})


def append(db: sqlite3.Connection, entry: LogEntry) -> int:
    """Write an entry and return its number."""
    number = db.execute(f"INSERT INTO {TABLE} (entry) VALUES (?)", (_to_json(entry),)).lastrowid
    assert number is not None
    return number


def replace(db: sqlite3.Connection, number: int, entry: LogEntry) -> None:
    """Write an entry in the place of the one with that number, also where that was cleared."""
    db.execute(f"INSERT OR REPLACE INTO {TABLE} (id, entry) VALUES (?, ?)", (number, _to_json(entry)))


def read(db: sqlite3.Connection, after: int) -> str:
    """The entries but the first `after`, oldest first, as JSON: there may be thousands, and each is JSON already."""
    rows = db.execute(f"SELECT entry FROM {TABLE} ORDER BY id LIMIT -1 OFFSET ?", (after,))
    return f"[{','.join([text for (text,) in rows])}]"


def clear(db: sqlite3.Connection) -> None:
    db.execute(f"DELETE FROM {TABLE}")
