# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The differences between the published description and the observed service, as data: two `Behaviour` values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class ErrorReason(Enum):
    """Why a call is refused. The behaviour decides how that looks on the wire."""

    NO_CREDENTIALS = "no key was sent"
    WRONG_KEY = "no account has this key"
    BASIC_CREDENTIALS = "a name and a password in place of a key"
    MISSING_SCOPE = "the key does not permit this operation"
    UNKNOWN_ON_BEHALF = "On-Behalf-Of names no customer of the account on this host"
    UNKNOWN_ROUTE = "the address does not exist"
    WRONG_VERB = "the address does not have this verb"
    UNREADABLE_BODY = "the body is not JSON, or its type is not JSON"
    INVALID = "a parameter is missing or breaks a rule"
    NO_FIELDS = "a change without a field that can be changed"
    UNKNOWN_FIELDS = "a change of a subuser with fields other than `disabled`"
    UNKNOWN_SUBUSER = "a read of an unknown customer"
    UNKNOWN_TO_DELETE = "a deletion of an unknown customer"
    UNKNOWN_TO_SWITCH = "enable or disable of an unknown customer"
    UNKNOWN_TO_SWITCH_WEBSITE = "website access of an unknown customer"
    UNKNOWN_TO_ASSIGN = "IPs for an unknown customer"
    UNKNOWN_KEY = "an unknown API key"
    TOO_MANY_KEYS = "more API keys than a user can have"
    UNKNOWN_CREDITS = "credits of an unknown customer"


class ErrorShape(Enum):
    """The forms of an error body."""

    ERRORS = "list of errors"
    ERROR_TEXT = "error text"
    PLAIN = "plain text"
    EMPTY = "no body"


@dataclass(frozen=True)
class ErrorItem:
    """One error of a list. Many errors have no `field`, which is different from null."""

    message: str
    field: str | None = None
    has_field: bool = False
    has_help: bool = False

    def as_json(self) -> dict[str, str | None]:
        own: dict[str, str | None] = {"field": self.field} if self.has_field else {}
        return {**own, "message": self.message, **({"help": None} if self.has_help else {})}


def of_field(field: str, message: str) -> ErrorItem:
    return ErrorItem(message, field, has_field=True)


@dataclass(frozen=True)
class ErrorTemplate:
    """How one reason looks on the wire."""

    status: int
    shape: ErrorShape = ErrorShape.ERRORS
    item: ErrorItem = ErrorItem("")


class ApiError(Exception):
    """A call that the service refuses. Raised before the first write, so nothing has to be undone.

    `items`: errors of the service that replace the usual one. They never repeat what the caller sent.
    """

    def __init__(self, reason: ErrorReason, *items: ErrorItem) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.items = items


@dataclass(frozen=True)
class Behaviour:
    """One variant of the service.

    `filters_by_prefix`: the filter `username` of the list matches the beginning of a name in any case, not the exact
    name. `create_echoes`: the answer to a creation has tokens, the password and the IPs. `null_fields` and
    `missing_fields`: how a profile shows a field that was never set; other such fields are empty texts.
    `loses_percent_names`: a name can contain a percent sign, but paths cannot address it any more. `adds_scopes`: a new
    API key has scopes that the client did not ask for. `shows_key_flat`: the answer is the API key itself, not a list.
    """

    name: str
    errors: Mapping[ErrorReason, ErrorTemplate]
    create_status: int
    filters_by_prefix: bool
    create_echoes: bool
    null_fields: frozenset[str]
    missing_fields: frozenset[str]
    rate_limit_headers: tuple[str, str, str]
    failure_shape: ErrorShape
    loses_percent_names: bool
    adds_scopes: bool
    shows_key_flat: bool


def _null(message: str, *, has_help: bool = False) -> ErrorItem:
    """An error with `"field": null`."""
    return ErrorItem(message, None, has_field=True, has_help=has_help)


_AUTHORIZATION_REQUIRED = ErrorTemplate(401, item=_null("authorization required"))
_NOT_FOUND = ErrorItem("resource not found")

# [doc] The descriptions have neither 404 nor 405. These are [own], and so are all texts of 404.
_DOCUMENTED_ERRORS = {
    ErrorReason.NO_CREDENTIALS: _AUTHORIZATION_REQUIRED,
    ErrorReason.WRONG_KEY: _AUTHORIZATION_REQUIRED,
    ErrorReason.BASIC_CREDENTIALS: ErrorTemplate(401, item=_null("access forbidden")),
    ErrorReason.MISSING_SCOPE: ErrorTemplate(403, item=ErrorItem("you dont have permission to access this resource")),
    # The answer of the service is not recorded.
    ErrorReason.UNKNOWN_ON_BEHALF: _AUTHORIZATION_REQUIRED,
    ErrorReason.UNKNOWN_ROUTE: ErrorTemplate(404, item=_NOT_FOUND),
    ErrorReason.WRONG_VERB: ErrorTemplate(405, item=_null("method not allowed")),
    ErrorReason.UNREADABLE_BODY: ErrorTemplate(400, item=_null("invalid JSON")),
    ErrorReason.INVALID: ErrorTemplate(400),
    ErrorReason.NO_FIELDS: ErrorTemplate(400, item=ErrorItem("no fields provided")),
    ErrorReason.UNKNOWN_FIELDS: ErrorTemplate(400, item=ErrorItem("no fields provided")),
    ErrorReason.UNKNOWN_SUBUSER: ErrorTemplate(404, item=_NOT_FOUND),
    ErrorReason.UNKNOWN_TO_DELETE: ErrorTemplate(404, item=_NOT_FOUND),
    ErrorReason.UNKNOWN_TO_SWITCH: ErrorTemplate(400, item=ErrorItem("invalid username")),
    ErrorReason.UNKNOWN_TO_SWITCH_WEBSITE: ErrorTemplate(404, item=_NOT_FOUND),
    ErrorReason.UNKNOWN_TO_ASSIGN: ErrorTemplate(404, item=_NOT_FOUND),
    ErrorReason.UNKNOWN_KEY: ErrorTemplate(404, item=_null("unable to find API Key")),
    ErrorReason.TOO_MANY_KEYS: ErrorTemplate(403),
    ErrorReason.UNKNOWN_CREDITS: ErrorTemplate(400, item=_null("No user found")),
}

DOCUMENTED = Behaviour(
    name="documented",
    errors=_DOCUMENTED_ERRORS,
    create_status=200,
    filters_by_prefix=False,
    create_echoes=False,
    null_fields=frozenset(),
    missing_fields=frozenset(),
    rate_limit_headers=("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    failure_shape=ErrorShape.ERRORS,
    loses_percent_names=False,
    adds_scopes=False,
    shows_key_flat=False,
)

_REVOKED = "The provided authorization grant is invalid, expired, or revoked"
_FORBIDDEN = ErrorTemplate(403, item=_null("access forbidden"))

# [seen] Answers that clients met and that the description does not have. Each form of a 404 was met. Which error has
# which form is [own].
OBSERVED = Behaviour(
    name="observed",
    errors={
        **_DOCUMENTED_ERRORS,
        ErrorReason.WRONG_KEY: ErrorTemplate(401, item=_null(_REVOKED, has_help=True)),
        ErrorReason.BASIC_CREDENTIALS: _FORBIDDEN,
        ErrorReason.MISSING_SCOPE: _FORBIDDEN,
        ErrorReason.UNKNOWN_ON_BEHALF: _FORBIDDEN,
        ErrorReason.UNKNOWN_ROUTE: ErrorTemplate(404, ErrorShape.PLAIN, ErrorItem("404 page not found")),
        ErrorReason.UNKNOWN_FIELDS: ErrorTemplate(404, item=ErrorItem("not found")),
        ErrorReason.UNKNOWN_SUBUSER: ErrorTemplate(404, item=_null("resource not found", has_help=True)),
        ErrorReason.UNKNOWN_TO_DELETE: ErrorTemplate(404, ErrorShape.EMPTY),
        ErrorReason.UNKNOWN_TO_SWITCH_WEBSITE: ErrorTemplate(404, ErrorShape.ERROR_TEXT, ErrorItem("user not found")),
        ErrorReason.UNKNOWN_TO_ASSIGN: ErrorTemplate(404, ErrorShape.ERROR_TEXT, ErrorItem("user not found")),
    },
    create_status=201,
    filters_by_prefix=True,
    create_echoes=True,
    null_fields=frozenset({"state", "zip", "country", "phone", "company"}),
    missing_fields=frozenset({"address2", "city", "website", "first_name"}),
    rate_limit_headers=("X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"),
    failure_shape=ErrorShape.ERROR_TEXT,
    loses_percent_names=True,
    adds_scopes=True,
    shows_key_flat=True,
)

BEHAVIOURS = {behaviour.name: behaviour for behaviour in (DOCUMENTED, OBSERVED)}
