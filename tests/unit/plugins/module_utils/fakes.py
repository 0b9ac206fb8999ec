# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service in memory, for tests without a socket. It knows the published reference, and of the collection only what an
attribute that the reference has not is called on the wire.

`FakeService` holds customers as dicts by wire name and acts on them. `FakeHttp` takes the place of the HTTP session
in a `transport.Client`: it hands each POST to a service and answers with bytes, or fails as it is told to.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import requests
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import FIELDS

# What the table has beyond the names below is of the profile, so that a new attribute needs no line here.
ANN = {
    **{field.wire: f"ann's {field.name}" for field in FIELDS if field.capability.written_by == "set_profile"},
    "username": "ann@example.com",
    "password": "ann-pass",
    "email": "ann@example.com",
    "first_name": "Ann",
    "last_name": "Archer",
    "address": "1 Alder Alley",
    "city": "Aarhus",
    "state": "AA",
    "zip": "01001",
    "country": "US",
    "phone": "555-0101",
    "website": "http://ann.example",
    "company": "Archer & Co",
    "active": "true",
    "website_access": "true",
}

# [doc] The company is hidden, and only some servers show website_access [seen].
SHOWN = tuple(name for name in ANN if name not in ("password", "company", "website_access"))
PROFILE = frozenset(ANN) - {"username", "password", "email", "active", "website_access"}
FILTERS = frozenset((*SHOWN, "company"))

# [doc] (address, method, task) -> operation
ADDRESSES = {
    ("reseller.add", None, None): "create",
    ("reseller.delete", None, None): "delete",
    ("reseller.manage", "profile", "get"): "list",
    ("reseller.manage", "enable", None): "enable",
    ("reseller.manage", "disable", None): "disable",
    ("reseller.manage", "website_enable", None): "enable_website",
    ("reseller.manage", "website_disable", None): "disable_website",
    ("reseller.manage", "profile", "set"): "set_profile",
    ("reseller.manage", "profile", "setUsername"): "rename",
    ("reseller.manage", "profile", "setEmail"): "set_email",
    ("reseller.manage", "password", None): "set_password",
    ("reseller.manage", "auth", None): "check_password",
    ("customer.add", None, None): "create",
    ("customer.delete", None, None): "delete",
    ("customer.profile", None, "get"): "list",
    ("customer.enable", None, None): "enable",
    ("customer.disable", None, None): "disable",
    ("customer.website_enable", None, None): "enable_website",
    ("customer.website_disable", None, None): "disable_website",
    ("customer.profile", None, "set"): "set_profile",
    ("customer.profile", None, "setUsername"): "rename",
    ("customer.profile", None, "setEmail"): "set_email",
    ("customer.password", None, None): "set_password",
    ("customer.auth", None, None): "check_password",
}
READS = ("list", "check_password")


def customer(username: str, **values: str) -> dict[str, str]:
    """A stored customer with the values of Ann, except for the given values."""
    return {**ANN, "username": username, "email": "post@example.com", **values}


class Refused(Exception):
    """An answer that is an error: a document as JSON would hold it."""

    def __init__(self, document: Any) -> None:
        super().__init__(document)
        self.document = document


def errors(*texts: str) -> Refused:
    return Refused({"message": "error", "errors": list(texts)})


def in_json(value: Any) -> bytes:
    """As PHP writes it [seen]."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()


def xml_text(text: str) -> str:
    """Escaped by numbers; a bare carriage return would be read as a line feed."""
    return "".join(f"&#{ord(sign)};" if sign in "&<>\"'\r" else sign for sign in text)


def in_xml(value: Any) -> bytes:
    """A list of rows as users, anything else as a result."""
    if isinstance(value, list):
        return ("<users>" + "".join(_element("user", row) for row in value) + "</users>").encode()
    return _element("result", value).encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        content = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, list):
        content = "".join(_element(name.removesuffix("s"), item) for item in value)
    else:
        content = "" if value is None else xml_text(str(value))
    return f"<{name}>{content}</{name}>"


ENCODERS: dict[str, Callable[[Any], bytes]] = {"json": in_json, "xml": in_xml}


class FakeService:
    """One account's customers.

    `shows_website_access`: whether rows show it. `knows_check`: whether passwords can be checked. `rewrites`: whether
    website and country are stored otherwise [seen]. `minds_case`: whether the search does. `lag`: how many calls that
    look for a new customer miss it; `lists_lag`: whether lists do, too, or operations alone.
    """

    def __init__(
        self,
        *customers: Mapping[str, str],
        shows_website_access: bool = True,
        knows_check: bool = True,
        rewrites: bool = False,
        minds_case: bool = False,
        lag: int = 0,
        lists_lag: bool = True,
    ) -> None:
        self.customers = {one["username"]: dict(one) for one in customers}
        self.shows_website_access = shows_website_access
        self.knows_check = knows_check
        self.rewrites = rewrites
        self.minds_case = minds_case
        self.lag = lag
        self.lists_lag = lists_lag
        self.unseen: dict[str, int] = {}
        self.retired: set[str] = set()

    def act(self, operation: str, values: Iterable[tuple[str, str]]) -> Any:
        """Does one operation with wire parameters; returns the rows of a list or the success document."""
        many: dict[str, list[str]] = {}
        for name, value in values:
            many.setdefault(name, []).append(value)
        one = {name: texts[0] for name, texts in many.items()}
        if operation == "list":
            return self.rows(one)
        if operation == "create":
            self._create(one, many)
        elif operation == "check_password":
            self._check_password(one)
        else:
            self._change(operation, one)
        return {"message": "success"}

    def rows(self, filters: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """What a list shows of the customers that contain the text of every filter."""
        names = (*SHOWN, "website_access") if self.shows_website_access else SHOWN
        return [
            {name: one[name] for name in names if name in one}
            for one in self.customers.values()
            if not (self.lists_lag and self._misses(one["username"]))
            and all(
                self._contains(one.get(name, ""), text) for name, text in (filters or {}).items() if name in FILTERS
            )
        ]

    def _misses(self, name: str) -> bool:
        left = self.unseen.get(name, 0)
        self.unseen[name] = left - 1
        return left > 0

    def _contains(self, text: str, part: str) -> bool:
        return part in text if self.minds_case else part.casefold() in text.casefold()

    def _stored(self, name: str, text: str) -> str:
        if self.rewrites and name == "website" and text and "://" not in text:
            return "http://" + text
        return text[:5] if self.rewrites and name == "country" else text

    def _create(self, one: Mapping[str, str], many: Mapping[str, list[str]]) -> None:
        name = one["username"]
        if name in self.customers or name in self.retired:
            raise errors("Username is taken")
        if one.get("password") != one.get("confirm_password"):
            raise errors("Passwords differ")
        kept = {key: self._stored(key, text) for key, text in one.items() if key != "confirm_password"}
        lists = {key: "|".join(many[key]) for key in many if key.endswith("[]")}
        self.customers[name] = {**kept, **lists, "active": "true", "website_access": "true"}
        self.unseen[name] = self.lag

    def _check_password(self, one: Mapping[str, str]) -> None:
        if not self.knows_check:
            raise Refused({"error": {"code": "404", "message": None}})
        known = self.customers.get(one["user"])
        if known is None or known["password"] != one["password"]:
            raise errors("Invalid username and/or password")

    def _change(self, operation: str, one: Mapping[str, str]) -> None:
        if operation == "disable" and one.get("username") != one.get("user"):
            raise errors("Username is required")
        if one["user"] not in self.customers or self._misses(one["user"]):
            raise Refused({"error": {"code": 400, "message": "User does not exist"}})
        known = self.customers[one["user"]]
        if operation == "delete":
            self.retired.add(one["user"])
            del self.customers[one["user"]]
        elif operation == "rename":
            if one["username"] in self.customers or one["username"] in self.retired:
                raise errors("Username is taken")
            self.customers[one["username"]] = {**self.customers.pop(one["user"]), "username": one["username"]}
        elif operation == "set_email":
            known["email"] = one["email"]
        elif operation == "set_profile":
            known.update({name: self._stored(name, text) for name, text in one.items() if name in PROFILE})
        elif operation == "set_password":
            if one["password"] != one["confirm_password"]:
                raise errors("Passwords differ")
            known["password"] = one["password"]
        elif operation in ("enable", "disable"):
            known["active"] = "true" if operation == "enable" else "false"
        elif operation in ("enable_website", "disable_website"):
            known["website_access"] = "true" if operation == "enable_website" else "false"
        else:
            raise AssertionError(f"no operation {operation}")


class FakeResponse:
    """What `requests` gives for a POST with `stream=True`, as far as it is used. `body`: as it comes over the wire."""

    def __init__(self, body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.body = body
        self.status_code = status
        self.headers = dict(headers or {})
        self.raw = self

    def __enter__(self) -> FakeResponse:
        return self

    def __exit__(self, *_error: Any) -> None:
        pass

    def stream(self, size: int, decode_content: bool) -> Iterable[bytes]:
        assert not decode_content
        return (self.body[start : start + size] for start in range(0, len(self.body), size))


def connection_lost() -> Exception:
    """As `requests` tells that the server hung up before it answered."""
    cause = http.client.RemoteDisconnected("Remote end closed connection without response")
    return requests.exceptions.ConnectionError(cause)


def tls_broken() -> Exception:
    """A permanent failure after which it is unknown what the server did."""
    return requests.exceptions.SSLError(ssl.SSLError("bad record mac"))


def nobody_listens() -> Exception:
    """As `requests` tells that the server's port is closed."""
    return requests.exceptions.ConnectionError(ConnectionRefusedError(111, "Connection refused"))


class FakeHttp:
    """Takes the place of `requests.Session`, for any number of threads.

    `faults`: by operation, or by operation and customer, what happens to its next calls: `lost_before` and `lost_after`
    (the server did not act, or did), `broken_after` (did, and the failure will not pass), `closed` (nobody accepts the
    connection), `refused`, `unauthorized`, `forbidden`, `busy` (429), `busy_long` (429 for an hour), `named` (an error
    that names the customer), `echo` (one that repeats what was sent), `defect` (what no library raises), `empty` (an
    empty list, whatever is there), `fine`. The last one stays when it is written with a `*` after it. `calls`: the
    operations in their order, with their parameters. `options`: the keywords of the same calls. `meanwhile`: called
    with the same while a call is under way, before the service acts. `most_at_once`: how many calls were under way
    together at most.
    """

    def __init__(
        self, service: FakeService, faults: Mapping[str | tuple[str, str], Iterable[str]] | None = None
    ) -> None:
        self.service = service
        self.faults = {operation: list(kinds) for operation, kinds in (faults or {}).items()}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.options: list[dict[str, Any]] = []
        self.meanwhile: Callable[[str, dict[str, str]], object] = lambda _operation, _parameters: None
        self.most_at_once = 0
        self.closed = False
        self._under_way = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        self.closed = True

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _parameters in self.calls]

    @property
    def writes(self) -> list[str]:
        return [operation for operation in self.operations if operation not in READS]

    def request(self, method: str, url: str, data: bytes, **options: Any) -> FakeResponse:
        assert method == "POST"
        address, _dot, answer_format = url.rpartition("/")[2].rpartition(".")
        sent = parse_qsl(data.decode("ascii"), keep_blank_values=True, errors="strict")
        fields = dict(sent)
        operation = ADDRESSES[address, fields.get("method"), fields.get("task")]
        values = [(name, text) for name, text in sent if name not in ("api_user", "api_key", "method", "task")]
        with self._lock:
            self.calls.append((operation, dict(values)))
            self.options.append(options)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            self.meanwhile(operation, dict(values))
            with self._lock:
                return self._answer(operation, values, ENCODERS[answer_format])
        finally:
            with self._lock:
                self._under_way -= 1

    def _answer(self, operation: str, values: list[tuple[str, str]], encode: Callable[[Any], bytes]) -> FakeResponse:
        fault = self._fault(operation, dict(values))
        if fault in UNANSWERED:
            raise UNANSWERED[fault]()
        if fault in INSTEAD:
            document, status, headers = INSTEAD[fault]
            return FakeResponse(encode(document), status, headers)
        if fault == "named":
            return FakeResponse(encode(errors(f"Not now, {dict(values)['user']}").document))
        if fault == "echo":
            return FakeResponse(encode(errors(" ".join(text for _name, text in values)).document))
        try:
            answer = self.service.act(operation, values)
        except Refused as refusal:
            answer = refusal.document
        if fault == "lost_after":
            raise connection_lost()
        if fault == "broken_after":
            raise tls_broken()
        return FakeResponse(encode(answer))

    def _fault(self, operation: str, values: Mapping[str, str]) -> str:
        user = values.get("user") or values.get("username", "")
        kinds = self.faults.get((operation, user)) or self.faults.get(operation) or ["fine"]
        return kinds[0][:-1] if kinds[0].endswith("*") else kinds.pop(0)


# Faults that keep the service from acting: as an exception, or as an answer with its status and headers.
UNANSWERED: dict[str, Callable[[], Exception]] = {
    "lost_before": connection_lost,
    "closed": nobody_listens,
    "defect": lambda: ZeroDivisionError("canary-of-a-defect"),
}
INSTEAD: dict[str, tuple[Any, int, dict[str, str]]] = {
    "busy": ("slow down", 429, {}),
    "busy_long": ("slow down", 429, {"Retry-After": "3600"}),
    "refused": ({"message": "error", "errors": ["Not today"]}, 200, {}),
    "unauthorized": ({"error": {"code": 401, "message": "Permission denied, wrong credentials"}}, 200, {}),
    "forbidden": ({"error": "Bad username / password"}, 403, {}),
    "empty": ([], 200, {}),
}


class Clock:
    """Time that passes only when somebody sleeps. Stands in for the module `time`."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now
