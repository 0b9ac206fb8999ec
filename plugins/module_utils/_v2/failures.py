# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The meaning of an error of API v2: whether the call took effect, whether to repeat it, what to do."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    MAYBE_APPLIED,
    NOT_APPLIED,
    CallError,
    WireError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.failures import failed_status
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Answer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import Redactor, server_said

_CHECK_URL = "Check that api_url is the address of the v2 API."
TRY_V3 = "If API v2 no longer serves the account, use api: subusers with an API key."
# HTTP statuses without an error of the API: the service is gone, or it is not available for this account.
_GONE = frozenset((401, 403, 404, 410))

Value = t.TypeVar("Value")


def reader(
    decode: t.Callable[[str, bytes], Value], answer_format: str, redact: Redactor
) -> t.Callable[[Answer], Value]:
    """A function that decodes an answer with `decode(format, body)`. It turns a WireError into a CallError."""

    def read(answer: Answer) -> Value:
        try:
            value = decode(answer_format, answer.body)
        except WireError as error:
            raise _failure(error, answer.status, redact) from None
        if 200 <= answer.status < 300:
            return value
        failed = failed_status(answer.status)
        # For the API, an empty body is an empty list. A service without this API may send one, too.
        failed.advice = f"{_CHECK_URL} {TRY_V3}" if answer.status in _GONE else ""
        raise failed

    return read


def _failure(error: WireError, status: int, redact: Redactor) -> CallError:
    """The CallError for an error of the server, or for an answer that cannot be decoded."""
    if not error.readable:
        return _unreadable_answer(redact(str(error)), error.html, status)
    code = status if error.code is None else error.code
    messages, said = server_said(error.messages, error.left_out, redact)
    later = status >= 500 or 500 <= code < 600
    return CallError(
        f"the server said {said} ({_numbers(error.code, status)})",
        MAYBE_APPLIED if later else NOT_APPLIED,
        transient=later or code == 429,
        messages=messages,
        code=error.code,
        status=status,
        shape=error.shape,
        # From the server's own words, before any of them are hidden.
        advice=_advice({code, status}, error.messages),
    )


def _unreadable_answer(reason: str, html: bool, status: int) -> CallError:
    """The CallError for an answer that is not from the API: from a gateway, from another service, or cut short."""
    # The API's own errors have status 400, if any [doc]. Other errors below 500 and web pages come from another
    # service, and a retry would reach the same service. A failure of a gateway may be temporary.
    elsewhere = 400 < status < 500 or (html and status < 500)
    return CallError(
        f"{reason} (HTTP {status})",
        NOT_APPLIED if elsewhere and status >= 400 else MAYBE_APPLIED,
        transient=not elsewhere,
        status=status,
        advice="" if status >= 500 else f"{_CHECK_URL} {TRY_V3}" if html or status in _GONE else _CHECK_URL,
    )


def _numbers(code: int | None, status: int) -> str:
    return f"HTTP {status}" if code in (None, status) else f"error {code}, HTTP {status}"


def _advice(numbers: set[int], messages: t.Sequence[str]) -> str:
    said = " ".join(messages).lower()
    if "not authorized" in said:
        return "The account may lack a reseller contract: see the option api."
    if numbers & {401, 403}:
        return "Check api_user and api_key."
    return ""
