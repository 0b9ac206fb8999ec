# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request log: what was called, and with which parameter names. Never the value of a secret."""

from __future__ import annotations

import datetime
import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from .calls import Call, Pairs

TABLE = "calls"
SCHEMA = f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, entry TEXT NOT NULL);"

# Longest texts that are kept, in characters, and most names: a client's accident must not fill the log.
_TEXT_LIMIT = 255
_NAME_LIMIT = 64
_NAMES_LIMIT = 200


@dataclass(frozen=True)
class Entry:
    """One API call.

    `api_user` is None unless the credentials were right. `user` is the customer that was aimed at, by its name before
    the call. `attempted_write`: the operation is one that writes. `wrote`: it is, and it succeeded.
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


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:_TEXT_LIMIT]


def _names(pairs: Pairs) -> list[str]:
    return sorted({name[:_NAME_LIMIT] for name, _value in pairs})[:_NAMES_LIMIT]


def _now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(
    call: Call, *, operation: str, writes: bool, api_user: str | None, user: str | None, succeeded: bool
) -> Entry:
    """Describe a call that has been answered."""
    return Entry(
        time=_now(),
        operation=operation,
        family=call.family,
        verb=call.verb[:_NAME_LIMIT],
        api_user=_cut(api_user),
        user=_cut(user),
        format=call.format,
        attempted_write=writes,
        wrote=writes and succeeded,
        outcome="ok" if succeeded else "error",
        query_parameters=_names(call.query),
        body_parameters=_names(call.body),
        content_type=_cut(call.content_type),
    )


def append(db: sqlite3.Connection, made: Entry) -> None:
    db.execute(f"INSERT INTO {TABLE} (entry) VALUES (?)", (json.dumps(asdict(made)),))


def read(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """All entries, oldest first."""
    return [json.loads(text) for (text,) in db.execute(f"SELECT entry FROM {TABLE} ORDER BY id")]


def clear(db: sqlite3.Connection) -> None:
    db.execute(f"DELETE FROM {TABLE}")
