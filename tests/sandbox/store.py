# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state: accounts, customers and retired names in SQLite, behind one shared connection and one lock."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import request_log

# Marks a database file as the sandbox's own ("mfsb"), so that no other file is ever written to by mistake.
APPLICATION_ID = 0x6D667362
SCHEMA_VERSION = 3

# Few rounds: the sandbox protects no real account, and a seed may have ten thousand customers.
_HASH_ROUNDS = 10
_SALT_BYTES = 16

_TEXT_COLUMNS = (
    "account",
    "username",
    "email",
    "first_name",
    "last_name",
    "address",
    "address2",
    "city",
    "state",
    "zip",
    "country",
    "phone",
    "website",
    "company",
)
_SWITCH_COLUMNS = ("active", "website_access")
_CREATION_COLUMNS = ("package", "whitelabel", "mail_domain", "free_user", "billing_date")
_LIST_COLUMNS = ("ip_groups", "ips")
CUSTOMER_COLUMNS = (*_TEXT_COLUMNS, *_SWITCH_COLUMNS, *_CREATION_COLUMNS, *_LIST_COLUMNS)

_SCHEMA = f"""
CREATE TABLE accounts (
    api_user TEXT PRIMARY KEY,
    key_hash BLOB NOT NULL,
    reseller INTEGER NOT NULL,
    subusers INTEGER NOT NULL,
    ips TEXT,
    ip_groups TEXT,
    packages TEXT
);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    password_hash BLOB NOT NULL,
    {", ".join(f"{name} TEXT" for name in CUSTOMER_COLUMNS)},
    UNIQUE (username)
);
CREATE INDEX customers_of_account ON customers (account, id);
CREATE TABLE retired_names (username TEXT PRIMARY KEY);
{request_log.SCHEMA}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


class StoreError(Exception):
    """The database file cannot be used; the text is one sentence."""


@dataclass(frozen=True)
class Account:
    """Who calls. A list that is None was not given, and then nothing is checked against it."""

    api_user: str
    reseller: bool
    subusers: bool
    ips: tuple[str, ...] | None = None
    ip_groups: tuple[str, ...] | None = None
    packages: tuple[str, ...] | None = None


def hash_secret(secret: str) -> bytes:
    """Salt and digest of a secret, the only form in which one is kept."""
    salt = os.urandom(_SALT_BYTES)
    return salt + _digest(secret, salt)


def verify_secret(secret: str, stored: bytes) -> bool:
    """Whether `secret` is the one that `stored` was made of."""
    return hmac.compare_digest(_digest(secret, stored[:_SALT_BYTES]), stored[_SALT_BYTES:])


def _digest(secret: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", secret.encode("utf-8"), salt, _HASH_ROUNDS)


def _contains(value: str | None, folded: str) -> bool:
    """SQLite's own comparison knows upper and lower case of ASCII only."""
    return value is not None and folded in value.casefold()


def _encode_optional_list(values: Sequence[str] | None) -> str | None:
    return None if values is None else json.dumps(list(values))


def _decode_optional_list(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


class Store:
    """All reading and writing of state. Call the methods inside `transaction()`."""

    def __init__(self, path: str | None = None) -> None:
        """Open or create the database at `path`, in memory when None. Raises StoreError."""
        self._lock = threading.RLock()
        # Customers by name, and how many lookups at each are still to pass it over. Of this run alone, not of the file.
        self._hidden_lookups: dict[str, int] = {}
        try:
            # One connection for all: an in-memory database lives in its connection.
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            self._prepare(path or "")
        except sqlite3.Error as error:
            raise StoreError(f"The database {path} cannot be used: {error}.") from error
        self._db.create_function("contains", 2, _contains, deterministic=True)

    def _prepare(self, path: str) -> None:
        """Make the tables of a new database, or refuse one that is not the sandbox's."""
        new = self._scalar("SELECT count(*) FROM sqlite_master") == 0
        if not new and self._scalar("PRAGMA application_id") != APPLICATION_ID:
            raise StoreError(f"The database {path} is not one of the sandbox; it stays untouched.")
        if not new and self._scalar("PRAGMA user_version") != SCHEMA_VERSION:
            raise StoreError(f"The database {path} was made by another version of the sandbox.")
        # A sandbox may lose its last writes in a power cut; it may not be slow.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = MEMORY")
        if new:
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One unit of work, alone under the lock: kept as a whole, or undone as a whole on any exception."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _scalar(self, statement: str, values: Iterable[Any] = ()) -> Any:
        row = self._db.execute(statement, tuple(values)).fetchone()
        return None if row is None else row[0]

    # Accounts

    def has_accounts(self) -> bool:
        """Whether a seed was ever planted: there is no state without an account."""
        return bool(self._scalar("SELECT EXISTS (SELECT 1 FROM accounts)"))

    def add_account(self, account: Account, api_key: str) -> None:
        self._db.execute(
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                account.api_user,
                hash_secret(api_key),
                account.reseller,
                account.subusers,
                _encode_optional_list(account.ips),
                _encode_optional_list(account.ip_groups),
                _encode_optional_list(account.packages),
            ),
        )

    def authenticate(self, api_user: str, api_key: str) -> Account | None:
        """The account that these credentials open, or None."""
        row = self._db.execute("SELECT * FROM accounts WHERE api_user = ?", (api_user,)).fetchone()
        if row is None or not verify_secret(api_key, row[1]):
            return None
        return Account(row[0], bool(row[2]), bool(row[3]), *(_decode_optional_list(text) for text in row[4:]))

    # Names

    def is_taken(self, username: str) -> bool:
        """Whether a customer of any account, a deleted one, or an account itself has this exact name."""
        return bool(
            self._scalar(
                "SELECT EXISTS (SELECT 1 FROM customers WHERE username = ?1)"
                " OR EXISTS (SELECT 1 FROM retired_names WHERE username = ?1)"
                " OR EXISTS (SELECT 1 FROM accounts WHERE api_user = ?1)",
                (username,),
            )
        )

    def retire_name(self, username: str) -> None:
        """Keep a name taken for ever."""
        self._db.execute("INSERT INTO retired_names VALUES (?)", (username,))

    # Customers

    def find_customer(self, account: str, username: str) -> int | None:
        """The number of the account's customer with this exact name, or None."""
        number = self._scalar("SELECT id FROM customers WHERE account = ? AND username = ?", (account, username))
        return None if number is None or self._hides(username) else number

    def hide_customer(self, username: str, lookups: int) -> None:
        """Pass a customer over in the next `lookups` searches that would find it, by its name or by a list."""
        self._hidden_lookups[username] = lookups

    def _hides(self, username: str) -> bool:
        """Whether a search that found this customer must not show it. Counts the search."""
        left = self._hidden_lookups.pop(username, 0)
        if left > 1:
            self._hidden_lookups[username] = left - 1
        return left > 0

    def add_customer(self, values: Mapping[str, str | None], password: str) -> None:
        """Store a customer. `values` holds texts by column; the lists are JSON texts from `encode_list`."""
        columns = tuple(values)
        self._db.execute(
            f"INSERT INTO customers (password_hash, {', '.join(columns)}) VALUES (?{', ?' * len(columns)})",
            (hash_secret(password), *values.values()),
        )

    def change_customer(self, number: int, values: Mapping[str, str]) -> None:
        """Set columns of one customer; none at all is fine."""
        if values:
            assignments = ", ".join(f"{column} = ?" for column in values)
            self._db.execute(f"UPDATE customers SET {assignments} WHERE id = ?", (*values.values(), number))

    def delete_customer(self, number: int) -> None:
        """Remove a customer and keep the name taken for ever [doc]."""
        self.retire_name(self._scalar("SELECT username FROM customers WHERE id = ?", (number,)))
        self._db.execute("DELETE FROM customers WHERE id = ?", (number,))

    def set_password(self, number: int, password: str) -> None:
        self._db.execute("UPDATE customers SET password_hash = ? WHERE id = ?", (hash_secret(password), number))

    def has_password(self, number: int, password: str) -> bool:
        return verify_secret(password, self._scalar("SELECT password_hash FROM customers WHERE id = ?", (number,)))

    def search(self, account: str, columns: Sequence[str], filters: Mapping[str, str]) -> list[tuple[str, ...]]:
        """The account's customers that contain every filter's text, oldest first, as tuples of `columns`."""
        wanted = "".join(f" AND contains({column}, ?)" for column in filters)
        found = self._db.execute(
            f"SELECT {', '.join(columns)} FROM customers WHERE account = ?{wanted} ORDER BY id",
            (account, *(text.casefold() for text in filters.values())),
        ).fetchall()
        if not self._hidden_lookups:
            return found
        name = columns.index("username")
        return [row for row in found if not self._hides(row[name])]

    def dump_customers(self) -> list[dict[str, Any]]:
        """All customers of all accounts with all that is stored, except the password hash."""
        rows = self._db.execute(f"SELECT {', '.join(CUSTOMER_COLUMNS)} FROM customers ORDER BY id").fetchall()
        return [_decode_row(dict(zip(CUSTOMER_COLUMNS, row))) for row in rows]

    # The whole

    def clear(self) -> None:
        """Forget everything: accounts, customers, retired names and the request log."""
        self._hidden_lookups.clear()
        for table in ("accounts", "customers", "retired_names", request_log.TABLE):
            self._db.execute(f"DELETE FROM {table}")


def encode_list(values: Sequence[str]) -> str:
    """A list in the form in which `add_customer` stores it."""
    return json.dumps(list(values))


def _decode_row(customer: dict[str, Any]) -> dict[str, Any]:
    """Switches as booleans and lists as lists, for the eyes of a test."""
    for column in _SWITCH_COLUMNS:
        customer[column] = customer[column] == "true"
    for column in _LIST_COLUMNS:
        customer[column] = json.loads(customer[column])
    return customer
