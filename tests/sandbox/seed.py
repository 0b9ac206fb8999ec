# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seed: read from a file, checked as a whole, and written to a store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .store import PROFILE_COLUMNS, REGIONS, Account, Store, encode_list
from .v2 import fields
from .v2.behaviours import Behaviour
from .v2.validation import is_xml_text
from .v3 import credits

DEMO_FLEET = Path(__file__).with_name("demo_fleet.json")

# In parts, so that no scanner reports it as a real key.
DEMO_V3_KEY = ".".join(("SG", "sandbox-demo-key-id-01", "this-is-no-secret-it-opens-only-the-sandbox"))

_ACCOUNT_LISTS = ("ips", "ip_groups", "packages", "v3_scopes")
_ACCOUNT_USER = ("email", *PROFILE_COLUMNS)
_ACCOUNT_KEYS = {"api_user", "api_key", "v3_key", "reseller", "subusers", "domains", *_ACCOUNT_LISTS, *_ACCOUNT_USER}
_DOMAIN_KEYS = {"domain", "subdomain", "username", "valid", "default"}
# These values show a mistake: a client reads the profile of the account instead of the profile of a customer.
_ACCOUNT_PROFILE = {"first_name": "Parent", "last_name": "Account", "company": "The parent account"}
_TEXT_LIMITS = {**fields.CREATE_LIMITS, **fields.RESELLER_LIMITS, **fields.CUSTOMER_LIMITS}
# A seeded customer can have a name or an address from a later change, and these operations have wider limits.
_TEXT_LIMITS.update(username=fields.RENAME_LIMIT, email=fields.SET_EMAIL_LIMIT)
_CREATION_TEXTS = (*fields.RESELLER_LIMITS, *fields.CUSTOMER_LIMITS, "billing_date")
_CUSTOMER_KEYS = {
    "account",
    "password",
    "active",
    "website_access",
    "free_user",
    "billing_date",
    "ips",
    "ip_groups",
    "region",
    "credits",
} | set(_TEXT_LIMITS)


class SeedError(Exception):
    """The seed cannot be used. The text is one sentence and contains no secret."""


@dataclass(frozen=True)
class Seed:
    """A checked seed. The dicts have the keys of the seed file."""

    accounts: list[dict[str, Any]]
    customers: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def populate(self, store: Store, behaviour: Behaviour) -> None:
        """Fill an empty store, inside a transaction. The behaviour decides how values are stored."""
        for account in self.accounts:
            store.add_account(_account(account), account["api_key"], account.get("v3_key"), _account_user(account))
            for domain in account.get("domains", []):
                store.add_domain(account["api_user"], _domain(domain))
        for customer in self.customers:
            account = customer.get("account", self.accounts[0]["api_user"])
            store.add_customer(_columns(customer, account, behaviour), customer["password"])
        for username in self.deleted:
            store.retire_name(username)


DEFAULT_SEED = Seed([{"api_user": "demo", "api_key": "demo-key-1234", "v3_key": DEMO_V3_KEY}])


def load(path: Path) -> Seed:
    """Read and check a seed file in JSON, or in YAML if PyYAML is installed. Raises SeedError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SeedError(f"The seed file {path} cannot be read: {reason}.") from error
    try:
        return _validated(_parse(text))
    except ValueError as error:
        raise SeedError(f"The seed file {path} cannot be used: {error}.") from error


def from_data(data: Any) -> Seed:
    """Check data with the content of a seed file. Raises SeedError."""
    try:
        return _validated(data)
    except ValueError as error:
        raise SeedError(f"The seed cannot be used: {error}.") from error


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        import yaml  # only a YAML seed needs it
    except ImportError:
        raise ValueError("it is not JSON, and PyYAML is not installed to read it as YAML") from None
    try:
        # Every scalar stays a text, so that no zip code becomes a number. `_boolean` reads the booleans.
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes texts, lists and dicts only
    except yaml.YAMLError:
        raise ValueError("it is neither JSON nor YAML") from None


def _validated(data: Any) -> Seed:
    if not isinstance(data, dict):
        raise ValueError("it must be a mapping")
    _reject_unknown_keys("the seed", data, {"accounts", "customers", "deleted"})
    accounts = _mappings(data, "accounts") or DEFAULT_SEED.accounts
    customers = _mappings(data, "customers")
    deleted = _text_list("the seed", data, "deleted") or []
    if not all(map(is_xml_text, deleted)):
        raise ValueError("deleted of the seed must be a list of texts without control characters")
    for number, account in enumerate(accounts, 1):
        _check_account(f"account {number}", account)
    known = {account["api_user"] for account in accounts}
    for number, customer in enumerate(customers, 1):
        _check_customer(f"customer {number}", customer, known)
    _check_names([item["api_user"] for item in accounts] + [item["username"] for item in customers] + deleted)
    return Seed(accounts, customers, deleted)


def _mappings(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = data.get(key, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{key} must be a list of mappings")
    return items


def _reject_unknown_keys(where: str, item: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(str(key) for key in set(item) - known)
    if unknown:
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")


def _text_list(where: str, item: dict[str, Any], key: str) -> list[str] | None:
    values = item.get(key)
    if values is not None and not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
        raise ValueError(f"{key} of {where} must be a list of texts")
    return values


def _check_texts(where: str, item: dict[str, Any], names: Iterable[str], needed: tuple[str, ...]) -> None:
    for name in names:
        value = item.get(name, "")
        if not isinstance(value, str) or not is_xml_text(value):
            raise ValueError(f"{name} of {where} must be text without control characters")
        if len(value) > _TEXT_LIMITS.get(name, len(value)):
            raise ValueError(f"{name} of {where} is longer than {_TEXT_LIMITS[name]} characters")
        if name in needed and not value:
            raise ValueError(f"{where} needs {name}")


def _boolean(where: str, item: dict[str, Any], key: str) -> bool | None:
    """True, False, or None if the key is missing. YAML gives the words as texts."""
    value = item.get(key)
    if value is None or isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError(f"{key} of {where} must be true or false")
    return value == "true"


def _check_account(where: str, account: dict[str, Any]) -> None:
    _reject_unknown_keys(where, account, _ACCOUNT_KEYS)
    _check_texts(where, account, ("api_user", "api_key", "v3_key", *_ACCOUNT_USER), ("api_user", "api_key"))
    for key in ("reseller", "subusers"):
        _boolean(where, account, key)
    for key in _ACCOUNT_LISTS:
        _text_list(where, account, key)
    for number, domain in enumerate(_mappings(account, "domains"), 1):
        _check_domain(f"domain {number} of {where}", domain)


def _check_domain(where: str, domain: dict[str, Any]) -> None:
    _reject_unknown_keys(where, domain, _DOMAIN_KEYS)
    _check_texts(where, domain, ("domain", "subdomain", "username"), ("domain",))
    for key in ("valid", "default"):
        _boolean(where, domain, key)


def _check_customer(where: str, customer: dict[str, Any], accounts: set[str]) -> None:
    _reject_unknown_keys(where, customer, _CUSTOMER_KEYS)
    _check_texts(where, customer, (*_TEXT_LIMITS, "account", "password", "billing_date"), ("username", "password"))
    for key in ("active", "website_access", "free_user"):
        _boolean(where, customer, key)
    for key in ("ips", "ip_groups"):
        _text_list(where, customer, key)
    _check_credits(where, customer)
    if customer.get("region", REGIONS[0]) not in REGIONS:
        raise ValueError(f"region of {where} must be one of: {', '.join(REGIONS)}")
    if "account" in customer and customer["account"] not in accounts:
        raise ValueError(f"account of {where} is not an account of the seed")


def _check_credits(where: str, customer: dict[str, Any]) -> None:
    value = customer.get("credits", credits.UNLIMITED)
    if not isinstance(value, dict) or "credits" in customer and credits.errors(value):
        raise ValueError(f"credits of {where} must be a type with the values that belong to it")


def _check_names(names: list[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"the name {twice[0]} appears twice")


def _account(item: dict[str, Any]) -> Account:
    def owned(key: str) -> tuple[str, ...] | None:
        return None if item.get(key) is None else tuple(item[key])

    return Account(
        api_user=item["api_user"],
        reseller=_boolean("", item, "reseller") is not False,
        subusers=_boolean("", item, "subusers") is not False,
        ips=owned("ips"),
        ip_groups=owned("ip_groups"),
        packages=owned("packages"),
        v3_scopes=owned("v3_scopes"),
    )


def _domain(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "domain": item["domain"],
        "subdomain": item.get("subdomain", "mail"),
        "valid": _boolean("", item, "valid") is not False,
        "default": _boolean("", item, "default") is True,
        "username": item.get("username"),
    }


def _account_user(item: dict[str, Any]) -> dict[str, str]:
    """The account as a user, with its own e-mail address and profile."""
    own = {name: item[name] for name in _ACCOUNT_USER if name in item}
    blank = dict.fromkeys(PROFILE_COLUMNS, "")
    return {"email": "parent@account.example", **blank, **_ACCOUNT_PROFILE, **own}


def _encode_boolean(value: bool) -> str:
    return "true" if value else "false"


def _columns(item: dict[str, Any], account: str, behaviour: Behaviour) -> dict[str, str | None]:
    """The columns of the store for a seeded customer."""
    values: dict[str, str | None] = {
        name: behaviour.normalize(name, item.get(name, "")) for name in fields.CREATE_LIMITS
    }
    for name in _CREATION_TEXTS:
        values[name] = item.get(name)
    free = _boolean("", item, "free_user")
    values.update(
        account=account,
        address2="",
        region=item.get("region", REGIONS[0]),
        credits=json.dumps(credits.allocation(item.get("credits", {"type": "unlimited"}))),
        active=_encode_boolean(_boolean("", item, "active") is not False),
        website_access=_encode_boolean(_boolean("", item, "website_access") is not False),
        free_user=None if free is None else _encode_boolean(free),
        ip_groups=encode_list(item.get("ip_groups") or []),
        ips=encode_list(item.get("ips") or []),
    )
    return values
