# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state: accounts, customers and retired names in SQLite, with one shared connection and one lock."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import request_log

# Marks a database file of the sandbox ("mfsb"), so that the sandbox never writes to another file by mistake.
APPLICATION_ID = 0x6D667362
SCHEMA_VERSION = 5

# Few rounds: the sandbox protects no real account, and a seed can have ten thousand customers.
_HASH_ROUNDS = 10
_SALT_BYTES = 16

# Null if nobody ever set it, as after a creation without a profile.
PROFILE_COLUMNS = (
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
# The columns that accounts and customers have in common.
USER_COLUMNS = ("username", "email", *PROFILE_COLUMNS)
_SWITCH_COLUMNS = ("active", "website_access")
_CREATION_COLUMNS = ("package", "whitelabel", "mail_domain", "free_user", "billing_date")
_JSON_COLUMNS = ("ip_groups", "ips", "credits", "domains")
CUSTOMER_COLUMNS = ("account", *USER_COLUMNS, "region", *_SWITCH_COLUMNS, *_CREATION_COLUMNS, *_JSON_COLUMNS)
_ACCOUNT_LISTS = ("ips", "ip_groups", "packages", "v3_scopes")

REGIONS = ("global", "eu")
UNLIMITED = {"type": "unlimited", "reset_frequency": None, "remain": None, "total": None, "used": None}
_DEFAULTS = {"region": REGIONS[0], "ips": "[]", "ip_groups": "[]", "domains": "[]", "credits": json.dumps(UNLIMITED)}
# Customers have higher numbers, so that an account and a customer never have the same number.
_LAST_ACCOUNT = 1000


def _definition(column: str) -> str:
    return f"{column} TEXT NOT NULL DEFAULT '{_DEFAULTS[column]}'" if column in _DEFAULTS else f"{column} TEXT"


_SCHEMA = f"""
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    api_user TEXT NOT NULL UNIQUE,
    key_hash BLOB NOT NULL,
    v3_key_hash BLOB,
    reseller INTEGER NOT NULL,
    subusers INTEGER NOT NULL,
    {", ".join(f"{name} TEXT" for name in (*_ACCOUNT_LISTS, *USER_COLUMNS))}
);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    password_hash BLOB NOT NULL,
    {", ".join(_definition(name) for name in CUSTOMER_COLUMNS)},
    UNIQUE (username)
);
CREATE INDEX customers_of_account ON customers (account, id);
CREATE TABLE retired_names (username TEXT PRIMARY KEY);
CREATE TABLE domains (id INTEGER PRIMARY KEY, account TEXT NOT NULL, domain TEXT NOT NULL);
CREATE TABLE api_keys (id TEXT PRIMARY KEY, owner TEXT NOT NULL, number INTEGER NOT NULL, api_key TEXT NOT NULL);
{request_log.SCHEMA}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


class StoreError(Exception):
    """The database file cannot be used. The text is one sentence."""


@dataclass(frozen=True)
class Account:
    """The account that calls. A list that is None was not set, and nothing is checked against it.

    `api_user` never changes after the seed. The account's username can change, like that of any user. `id`: 0 until it
    is stored.
    """

    api_user: str
    reseller: bool
    subusers: bool
    ips: tuple[str, ...] | None = None
    ip_groups: tuple[str, ...] | None = None
    packages: tuple[str, ...] | None = None
    v3_scopes: tuple[str, ...] | None = None
    id: int = 0

    @property
    def user(self) -> User:
        return User("accounts", self.id)


@dataclass(frozen=True)
class User:
    """An account or a customer. Both have a name, an e-mail address and a profile."""

    table: str
    id: int


def customer_user(number: int) -> User:
    return User("customers", number)


@dataclass(frozen=True)
class CustomerFilter:
    """The customers of a page. `username`: the exact name, or its first characters in any case."""

    username: str | None = None
    is_prefix: bool = False
    region: str | None = None
    active_only: bool = False


@dataclass
class _Hidden:
    """A customer that searches do not find yet: the next `lookups` searches, and all searches before `end`."""

    lookups: int
    end: float


def hash_secret(secret: str) -> bytes:
    """Salt and digest of a secret. Secrets are stored only in this form."""
    salt = os.urandom(_SALT_BYTES)
    return salt + _digest(secret, salt)


def verify_secret(secret: str, stored: bytes) -> bool:
    """Whether `stored` is the hash of `secret`."""
    return hmac.compare_digest(_digest(secret, stored[:_SALT_BYTES]), stored[_SALT_BYTES:])


def _digest(secret: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", secret.encode("utf-8"), salt, _HASH_ROUNDS)


def _contains(value: str | None, folded: str) -> bool:
    """Compare without case. SQLite itself ignores the case of ASCII letters only."""
    return value is not None and folded in value.casefold()


def _starts_with(value: str, folded: str) -> bool:
    return value.casefold().startswith(folded)


def _encode_optional_list(values: Sequence[str] | None) -> str | None:
    return None if values is None else json.dumps(list(values))


def _decode_optional_list(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


class Store:
    """All reading and writing of state. Call the methods inside `transaction()`."""

    def __init__(self, path: str | None = None) -> None:
        """Open or create the database at `path`, in memory when None. Raises StoreError."""
        self._lock = threading.RLock()
        # By name. Kept in memory, not in the file.
        self._hidden: dict[str, _Hidden] = {}
        # Customers that paged lists show last, in the order of their moves. Kept in memory, too.
        self._moved: list[int] = []
        try:
            # One shared connection, because an in-memory database belongs to its connection.
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            self._prepare(path or "")
        except sqlite3.Error as error:
            raise StoreError(f"The database {path} cannot be used: {error}.") from error
        self._db.create_function("contains", 2, _contains, deterministic=True)
        self._db.create_function("starts_with", 2, _starts_with, deterministic=True)

    def _prepare(self, path: str) -> None:
        """Create the tables of a new database, or refuse a database that does not belong to the sandbox."""
        new = self._scalar("SELECT count(*) FROM sqlite_master") == 0
        if not new and self._scalar("PRAGMA application_id") != APPLICATION_ID:
            raise StoreError(f"The database {path} does not belong to the sandbox and is not changed.")
        if not new and self._scalar("PRAGMA user_version") != SCHEMA_VERSION:
            raise StoreError(f"The database {path} was made by another version of the sandbox.")
        # The sandbox can lose its last writes in a power cut, but it must be fast.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = MEMORY")
        if new:
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One unit of work under the lock. It is kept as a whole, or undone as a whole on any exception."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def discarded(self) -> Iterator[None]:
        """Undo everything that is done in this context. Use it inside a transaction."""
        self._db.execute("SAVEPOINT discarded")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK TO discarded")
            self._db.execute("RELEASE discarded")

    def _scalar(self, statement: str, values: Iterable[Any] = ()) -> Any:
        row = self._db.execute(statement, tuple(values)).fetchone()
        return None if row is None else row[0]

    # Accounts

    def has_accounts(self) -> bool:
        """Whether the store was seeded. Without an account, there is no state."""
        return bool(self._scalar("SELECT EXISTS (SELECT 1 FROM accounts)"))

    def add_account(
        self, account: Account, api_key: str, v3_key: str | None = None, user: Mapping[str, str] | None = None
    ) -> None:
        """Store an account. `user`: its e-mail address and profile. Its first username is its `api_user`."""
        values = {
            "api_user": account.api_user,
            "key_hash": hash_secret(api_key),
            "v3_key_hash": None if v3_key is None else hash_secret(v3_key),
            "reseller": account.reseller,
            "subusers": account.subusers,
            **{name: _encode_optional_list(getattr(account, name)) for name in _ACCOUNT_LISTS},
            "username": account.api_user,
            **(user or {}),
        }
        self._insert("accounts", values)

    def authenticate(self, api_user: str, api_key: str) -> Account | None:
        """The account with these credentials of v2, or None."""
        return self._account_with_secret("key_hash", api_key, "api_user = ?", api_user)

    def authenticate_key(self, v3_key: str) -> Account | None:
        """The account with this key of v3, or None."""
        return self._account_with_secret("v3_key_hash", v3_key, "v3_key_hash IS NOT NULL")

    def _account_with_secret(self, column: str, secret: str, condition: str, *values: str) -> Account | None:
        names = ("api_user", "reseller", "subusers", *_ACCOUNT_LISTS, "id")
        rows = self._db.execute(f"SELECT {column}, {', '.join(names)} FROM accounts WHERE {condition}", values)
        for stored, api_user, reseller, subusers, *lists, number in rows:
            if verify_secret(secret, stored):
                decoded = dict(zip(_ACCOUNT_LISTS, map(_decode_optional_list, lists)))
                return Account(api_user, bool(reseller), bool(subusers), **decoded, id=number)
        return None

    # Users

    def read_user(self, user: User) -> dict[str, str | None]:
        """Name, e-mail address and profile."""
        row = self._db.execute(
            f"SELECT {', '.join(USER_COLUMNS)} FROM {user.table} WHERE id = ?", (user.id,)
        ).fetchone()
        return dict(zip(USER_COLUMNS, row))

    def change_user(self, user: User, values: Mapping[str, str]) -> None:
        """Set columns of one user. `values` can be empty."""
        if values:
            assignments = ", ".join(f"{column} = ?" for column in values)
            self._db.execute(f"UPDATE {user.table} SET {assignments} WHERE id = ?", (*values.values(), user.id))

    def _insert(self, table: str, values: Mapping[str, Any]) -> int:
        placeholders = ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({placeholders})"
        number = self._db.execute(statement, tuple(values.values())).lastrowid
        assert number is not None
        return number

    # Names

    def is_taken(self, username: str) -> bool:
        """Whether a customer of any account, a deleted customer or an account has this exact name."""
        return bool(
            self._scalar(
                "SELECT EXISTS (SELECT 1 FROM customers WHERE username = ?1)"
                " OR EXISTS (SELECT 1 FROM retired_names WHERE username = ?1)"
                " OR EXISTS (SELECT 1 FROM accounts WHERE ?1 IN (api_user, username))",
                (username,),
            )
        )

    def retire_name(self, username: str) -> None:
        """Keep a name taken forever."""
        self._db.execute("INSERT INTO retired_names VALUES (?)", (username,))

    # Customers

    def find_customer(self, account: str, username: str) -> int | None:
        """The number of the account's customer with this exact name, or None."""
        number = self._scalar("SELECT id FROM customers WHERE account = ? AND username = ?", (account, username))
        return None if number is None or self._hides(username) else number

    def hide_customer(self, username: str, lookups: int, seconds: float = 0) -> None:
        """Hide a customer from searches by name and from lists: the next `lookups`, and all within `seconds`."""
        self._hidden[username] = _Hidden(lookups, time.monotonic() + seconds)

    def _hides(self, username: str) -> bool:
        """Whether a search must hide this customer. Counts the search."""
        hidden = self._hidden.get(username)
        if hidden is None:
            return False
        hidden.lookups -= 1
        if hidden.lookups >= 0 or time.monotonic() < hidden.end:
            return True
        del self._hidden[username]
        return False

    def add_customer(self, values: Mapping[str, str | None], password: str) -> int:
        """Store a customer and return its number. `values`: texts by column, and lists from `encode_list`."""
        return self._insert("customers", {"password_hash": hash_secret(password), **values})

    def read_customer(self, number: int) -> dict[str, Any]:
        """All stored values of one customer, except for the password hash."""
        return self._customers("WHERE id = ?", (number,))[0]

    def change_customer(self, number: int, values: Mapping[str, str]) -> None:
        """Set columns of one customer. `values` can be empty."""
        self.change_user(customer_user(number), values)

    def delete_customer(self, number: int) -> None:
        """Delete a customer and keep the name taken forever [doc]."""
        self.retire_name(self._scalar("SELECT username FROM customers WHERE id = ?", (number,)))
        self._db.execute("DELETE FROM customers WHERE id = ?", (number,))

    def set_password(self, number: int, password: str) -> None:
        self._db.execute("UPDATE customers SET password_hash = ? WHERE id = ?", (hash_secret(password), number))

    def has_password(self, number: int, password: str) -> bool:
        return verify_secret(password, self._scalar("SELECT password_hash FROM customers WHERE id = ?", (number,)))

    def search(self, account: str, columns: Sequence[str], filters: Mapping[str, str]) -> list[tuple[str, ...]]:
        """The account's customers that contain the text of each filter, oldest first, as tuples of `columns`.

        A text that was never set counts as empty.
        """
        wanted = "".join(f" AND contains(COALESCE({column}, ''), ?)" for column in filters)
        selected = ", ".join(f"COALESCE({column}, '')" for column in columns)
        found = self._db.execute(
            f"SELECT {selected} FROM customers WHERE account = ?{wanted} ORDER BY id",
            (account, *(text.casefold() for text in filters.values())),
        ).fetchall()
        if not self._hidden:
            return found
        name = columns.index("username")
        return [row for row in found if not self._hides(row[name])]

    def page(self, account: str, wanted: CustomerFilter, limit: int, offset: int) -> list[dict[str, Any]]:
        """The account's customers that match a filter, oldest first: up to `limit` of them, from `offset` on."""
        conditions: dict[str, str] = {"account = ?": account}
        if wanted.username is not None:
            exact = ("username = ?", wanted.username)
            condition, value = ("starts_with(username, ?)", wanted.username.casefold()) if wanted.is_prefix else exact
            conditions[condition] = value
        if wanted.region is not None:
            conditions["region = ?"] = wanted.region
        if wanted.active_only:
            conditions["active = ?"] = "true"
        clause, values = f"WHERE {' AND '.join(conditions)}", tuple(conditions.values())
        if not self._hidden and not self._moved:
            return self._customers(clause, values, "LIMIT ? OFFSET ?", limit, offset)
        rows = sorted(self._customers(clause, values), key=lambda row: self._place(row["id"]))
        seen = [row for row in rows if not self._hides(row["username"])]
        return seen[offset : offset + limit]

    def _place(self, number: int) -> tuple[int, int]:
        """The sort key for the rows of pages."""
        return (self._moved.index(number) + 1 if number in self._moved else 0, number)

    def move_first_to_end(self, account: str) -> None:
        """Move the customer that paged lists show first to their end."""
        rows = self._db.execute("SELECT id FROM customers WHERE account = ?", (account,)).fetchall()
        if rows:
            first = min((number for (number,) in rows), key=self._place)
            self._moved = [*(number for number in self._moved if number != first), first]

    def _customers(self, clause: str, values: Sequence[Any], more: str = "", *numbers: int) -> list[dict[str, Any]]:
        names = ("id", *CUSTOMER_COLUMNS)
        statement = f"SELECT {', '.join(names)} FROM customers {clause} ORDER BY id {more}"
        return [_decode_row(dict(zip(names, row))) for row in self._db.execute(statement, (*values, *numbers))]

    def assigned_ips(self, account: str) -> dict[str, list[str]]:
        """The IPs of the account's customers by name. Customers without IPs are left out."""
        statement = "SELECT username, ips FROM customers WHERE account = ? AND ips != '[]' ORDER BY id"
        return {username: json.loads(ips) for username, ips in self._db.execute(statement, (account,))}

    def dump_customers(self) -> list[dict[str, Any]]:
        """All customers of all accounts with all stored values, except for the password hash."""
        return self._customers("", ())

    def dump_accounts(self) -> list[dict[str, Any]]:
        """All accounts as users, without a secret."""
        names = ("id", "api_user", *USER_COLUMNS)
        rows = self._db.execute(f"SELECT {', '.join(names)} FROM accounts ORDER BY id")
        return [dict(zip(names, row)) for row in rows]

    # Domains and API keys

    def add_domain(self, account: str, domain: Mapping[str, Any]) -> None:
        """Store a domain of an account: `domain`, `subdomain`, `valid`, `default`, and a customer's name or None."""
        self._insert("domains", {"account": account, "domain": json.dumps(dict(domain))})

    def domains(self, account: str) -> list[dict[str, Any]]:
        """The account's domains with their ids, oldest first."""
        rows = self._db.execute("SELECT id, domain FROM domains WHERE account = ? ORDER BY id", (account,))
        return [{"id": number, **json.loads(domain)} for number, domain in rows]

    def put_api_key(self, user: User, identifier: str, api_key: Mapping[str, Any]) -> None:
        """Store the readable part of an API key. It replaces an existing entry."""
        self._db.execute(
            "INSERT INTO api_keys VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET api_key = excluded.api_key",
            (identifier, user.table, user.id, json.dumps(dict(api_key))),
        )

    def api_keys(self, user: User) -> dict[str, dict[str, Any]]:
        """The API keys of a user by id, oldest first."""
        statement = "SELECT id, api_key FROM api_keys WHERE owner = ? AND number = ? ORDER BY rowid"
        return {identifier: json.loads(text) for identifier, text in self._db.execute(statement, (user.table, user.id))}

    def dump_api_keys(self) -> list[dict[str, Any]]:
        """All API keys of all users. The keys themselves are not stored."""
        rows = self._db.execute("SELECT id, owner, number, api_key FROM api_keys ORDER BY rowid")
        return [
            {"api_key_id": identifier, "owner": owner, "id": number, **json.loads(text)}
            for identifier, owner, number, text in rows
        ]

    def delete_api_key(self, identifier: str) -> None:
        self._db.execute("DELETE FROM api_keys WHERE id = ?", (identifier,))

    # The whole

    def clear(self) -> None:
        """Delete everything, including the request log."""
        self._hidden.clear()
        self._moved.clear()
        for table in ("accounts", "customers", "retired_names", "domains", "api_keys", request_log.TABLE):
            self._db.execute(f"DELETE FROM {table}")
        self._db.execute("DELETE FROM sqlite_sequence WHERE name = 'customers'")
        self._db.execute("INSERT INTO sqlite_sequence VALUES ('customers', ?)", (_LAST_ACCOUNT,))


def encode_list(values: Sequence[str]) -> str:
    """A list in the form that `add_customer` stores."""
    return json.dumps(list(values))


def _decode_row(customer: dict[str, Any]) -> dict[str, Any]:
    """Decode switches to booleans and JSON to lists, so that a test can compare them."""
    for column in _SWITCH_COLUMNS:
        customer[column] = customer[column] == "true"
    for column in _JSON_COLUMNS:
        customer[column] = json.loads(customer[column])
    return customer
