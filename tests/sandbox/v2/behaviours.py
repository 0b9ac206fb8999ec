# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The differences between the reference page and the recorded service, as data: two `Behaviour` values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from . import fields


class ErrorReason(Enum):
    """Why a call is refused. The behaviour decides how that looks on the wire."""

    INVALID = "a parameter is missing or breaks a rule"
    UNKNOWN_USER = "no such customer under this account"
    UNKNOWN_USER_OF_SWITCH = "no such customer, asked by an enable or disable call"
    WRONG_CREDENTIALS = "api_user and api_key do not match an account"
    NOT_AUTHORIZED = "the account may not use this family"
    UNKNOWN_TASK = "a known address with an unknown method or task"
    UNKNOWN_ADDRESS = "an unknown module, action or format"
    WRONG_VERB = "neither GET nor POST"


class ApiError(Exception):
    """A call that the service refuses. Raised before the first write, so nothing has to be undone.

    `messages` are texts of the service itself. They never repeat what the caller sent.
    """

    def __init__(self, reason: ErrorReason, messages: tuple[str, ...] = ()) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.messages = messages


class ErrorShape(Enum):
    """The forms of an error body."""

    ERRORS_LIST = "errors list"
    MESSAGE_ONLY = "message only"
    ERROR_OBJECT = "error object"


@dataclass(frozen=True)
class ErrorTemplate:
    """How one reason looks on the wire. Only the error object has a `code`. Its `text` can be null [seen]."""

    status: int
    shape: ErrorShape
    text: str | None = None
    code: int | str | None = None


def _identity(value: str) -> str:
    return value


@dataclass(frozen=True)
class Behaviour:
    """One variant of the service.

    `normalizers`: by field, the function that changes a value before it is stored.
    `html_operations`: operations with the type `text/html` for their JSON answers.
    """

    name: str
    errors: Mapping[ErrorReason, ErrorTemplate]
    disable_parameter: str
    row: tuple[str, ...]
    php_json: bool
    json_type: str
    empty_xml_list_is_empty_body: bool
    normalizers: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    html_operations: frozenset[str] = frozenset()

    def normalize(self, name: str, value: str) -> str:
        """The text that the service stores for `value` in the field `name`."""
        return self.normalizers.get(name, _identity)(value)


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def _with_scheme(website: str) -> str:
    """`example.com` -> `http://example.com` [seen]; an empty text stays empty [own]."""
    return website if not website or _SCHEME.match(website) else "http://" + website


def _cut_country(country: str) -> str:
    """`Canada` -> `Canad` [seen]."""
    return country[:5]


# [doc] 4XX for parameter errors. Which error has which 4XX is [own]. All texts except `User not found` are [own], too.
DOCUMENTED = Behaviour(
    name="documented",
    errors={
        ErrorReason.INVALID: ErrorTemplate(400, ErrorShape.ERRORS_LIST),
        ErrorReason.UNKNOWN_USER: ErrorTemplate(400, ErrorShape.ERRORS_LIST, "User does not exist"),
        ErrorReason.UNKNOWN_USER_OF_SWITCH: ErrorTemplate(400, ErrorShape.MESSAGE_ONLY, "User not found"),
        ErrorReason.WRONG_CREDENTIALS: ErrorTemplate(
            401, ErrorShape.ERRORS_LIST, "Permission denied, wrong credentials"
        ),
        ErrorReason.NOT_AUTHORIZED: ErrorTemplate(403, ErrorShape.ERRORS_LIST, "Permission denied, not authorized"),
        ErrorReason.UNKNOWN_TASK: ErrorTemplate(404, ErrorShape.ERRORS_LIST, "Unknown method or task"),
        ErrorReason.UNKNOWN_ADDRESS: ErrorTemplate(404, ErrorShape.ERRORS_LIST, "Unknown module, action or format"),
        ErrorReason.WRONG_VERB: ErrorTemplate(405, ErrorShape.ERRORS_LIST, "Only GET and POST are allowed"),
    },
    disable_parameter="username",
    row=fields.DOCUMENTED_ROW,
    php_json=False,
    json_type="application/json; charset=utf-8",
    empty_xml_list_is_empty_body=False,
)

# [seen] Codes and texts are recorded. The text for an unknown task is [own], and so is everything for a wrong verb.
OBSERVED = Behaviour(
    name="observed",
    errors={
        ErrorReason.INVALID: ErrorTemplate(200, ErrorShape.ERRORS_LIST),
        ErrorReason.UNKNOWN_USER: ErrorTemplate(200, ErrorShape.ERROR_OBJECT, "User does not exist", 400),
        ErrorReason.UNKNOWN_USER_OF_SWITCH: ErrorTemplate(200, ErrorShape.ERROR_OBJECT, "User does not exist", 400),
        ErrorReason.WRONG_CREDENTIALS: ErrorTemplate(
            200, ErrorShape.ERROR_OBJECT, "Permission denied, wrong credentials", 401
        ),
        ErrorReason.NOT_AUTHORIZED: ErrorTemplate(
            200, ErrorShape.ERROR_OBJECT, "Permission denied, not authorized", 401
        ),
        ErrorReason.UNKNOWN_TASK: ErrorTemplate(200, ErrorShape.ERROR_OBJECT, "Not found", 404),
        ErrorReason.UNKNOWN_ADDRESS: ErrorTemplate(404, ErrorShape.ERROR_OBJECT, None, "404"),
        ErrorReason.WRONG_VERB: ErrorTemplate(405, ErrorShape.ERRORS_LIST, "Only GET and POST are allowed"),
    },
    disable_parameter="user",
    row=fields.OBSERVED_ROW,
    php_json=True,
    json_type="application/json",
    empty_xml_list_is_empty_body=True,
    normalizers={"website": _with_scheme, "country": _cut_country},
    html_operations=frozenset({"check_password"}),
)

BEHAVIOURS = {behaviour.name: behaviour for behaviour in (DOCUMENTED, OBSERVED)}
