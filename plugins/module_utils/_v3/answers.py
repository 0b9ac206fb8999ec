# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Turns an answer of API v3 into values or a CallError. The status decides which, and the body says why.

Errors come in five shapes: a list of messages with their fields, the same with the ids of errors, a single message, a
web page or plain text of a gateway, and no body at all [spec, seen, reported].
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    ACCOUNT,
    MAYBE_APPLIED,
    NOT_APPLIED,
    OPERATION,
    UNKNOWN_CUSTOMER,
    CallError,
    WireError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.documents import (
    is_web_page,
    json_document,
    texts_in,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Answer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import Redactor, server_said

Value = t.TypeVar("Value")

_CHECK_URL = "Check that api_url is the address of API v3."
_CHECK_KEY = "Check api_key: it must be an API key of the account that owns the customers."
_UNKNOWN_THERE = (
    "Or this server does not know the customer: if its data reside in the EU, only the server of eu_api_url does."
)


class Reader(t.NamedTuple):
    """Reads the answers to one kind of call.

    `scope`: the scope that the API key needs. `on_behalf`: whether the call was made on behalf of a customer.
    `names_customer`: whether the address names the customer, so that a 404 is about it.
    """

    redact: Redactor
    scope: str
    on_behalf: bool = False
    names_customer: bool = False

    def value(self, decode: t.Callable[[t.Any], Value]) -> t.Callable[[Answer], Value]:
        """A function that decodes the values in an answer. `decode` raises WireError for values that it cannot use."""

        def read(answer: Answer) -> Value:
            self._refuse(answer)
            try:
                return decode(json_document(answer.body))
            except (ValueError, RecursionError, WireError) as error:
                reason = str(error) if isinstance(error, WireError) else "the answer is not JSON"
                raise self._unreadable(answer, reason) from None

        return read

    def value_if_known(self, decode: t.Callable[[t.Any], Value]) -> t.Callable[[Answer], Value | None]:
        """The same, but returns None if the server does not know the customer. This is not an error."""
        read = self.value(decode)

        def read_if_known(answer: Answer) -> Value | None:
            return None if self._is_unknown_customer(answer) else read(answer)

        return read_if_known

    def confirmation_if_known(self, answer: Answer) -> None:
        """The same as `confirmation`, also where the server does not know what was to be taken away."""
        if not self._is_unknown_customer(answer):
            self.confirmation(answer)

    def confirmation(self, answer: Answer) -> None:
        """Accepts an answer that confirms the operation. Uses no value of its body, because some hold tokens [doc]."""
        self._refuse(answer)
        if not answer.body.strip():
            return
        try:
            document = json_document(answer.body)
        except (ValueError, RecursionError):
            raise self._unreadable(answer, "the answer is not JSON") from None
        if isinstance(document, dict) and document.get("errors"):
            raise self._failure(answer, MAYBE_APPLIED)

    def _refuse(self, answer: Answer) -> None:
        if not 200 <= answer.status < 300:
            raise self._failure(answer, MAYBE_APPLIED if answer.status >= 500 or answer.status < 200 else NOT_APPLIED)

    def _failure(self, answer: Answer, applied: str) -> CallError:
        messages, left_out, is_own = _messages(answer.body)
        told, said = server_said(messages, left_out, self.redact)
        status = answer.status
        what = f"said {said} (HTTP {status})" if is_own else f"answered HTTP {status}{_what_came(answer)}"
        error = CallError(
            f"the server {what}",
            applied,
            transient=applied == MAYBE_APPLIED and status >= 500,
            messages=told,
            status=status,
            advice=self._advice(answer, is_own),
        )
        error.concerns = self._concerns(answer)
        error.may_settle = self.on_behalf and status in (401, 403, 404)
        return error

    def _concerns(self, answer: Answer) -> str:
        if answer.status in (401, 403) and not self.on_behalf:
            return ACCOUNT
        return UNKNOWN_CUSTOMER if self._is_unknown_customer(answer) else OPERATION

    def _is_unknown_customer(self, answer: Answer) -> bool:
        if answer.status == 404:
            return self.names_customer and not is_web_page(answer.body)
        return answer.status == 400 and _says_unknown(answer.body)

    def _advice(self, answer: Answer, is_own: bool) -> str:
        status = answer.status
        about_key = {
            401: _CHECK_KEY,
            403: f"The API key needs the scope {self.scope}. Some operations need a key with full access, whatever its "
            "scopes are.",
        }
        if status in about_key:
            # No record shows how the server answers a call on behalf of an unknown name.
            return f"{about_key[status]} {_UNKNOWN_THERE}" if self.on_behalf else about_key[status]
        return "" if is_own or status >= 500 else _CHECK_URL

    @staticmethod
    def _unreadable(answer: Answer, reason: str) -> CallError:
        """The error for a success that is not from the API: another service answered, or the answer was cut short."""
        is_page = is_web_page(answer.body)
        what = f"{reason}, but a web page" if is_page else reason
        return CallError(
            f"{what} (HTTP {answer.status})", MAYBE_APPLIED, not is_page, status=answer.status, advice=_CHECK_URL
        )


def _what_came(answer: Answer) -> str:
    """The contents of an answer that is not an error of the API, as the rest of a clause."""
    if not answer.body.strip():
        return ""
    return " with a web page" if is_web_page(answer.body) else " with a text that is not of the API"


def _messages(body: bytes) -> tuple[list[str], int, bool]:
    """The messages of an error, how many were left out, and whether it is an error of the API at all."""
    try:
        document = json_document(body)
    except (ValueError, RecursionError):
        return [], 0, False
    if not isinstance(document, dict):
        return [], 0, False
    listed = document.get("errors")
    if isinstance(listed, list):
        texts, left_out = texts_in([_item(item) for item in listed])
        return texts, left_out, True
    error = document.get("error") or document.get("message")
    texts, left_out = texts_in(error.get("message") if isinstance(error, dict) else error)
    return texts, left_out, bool(texts)


def _says_unknown(body: bytes) -> bool:
    """[spec] for credits; nothing is recorded of other calls."""
    messages, _left_out, is_own = _messages(body)
    return is_own and [message.lower() for message in messages] in (["no user found"], ["username: user not found"])


def _item(item: t.Any) -> t.Any:
    """One message of a list, with the field that it is about."""
    if not isinstance(item, dict):
        return item
    message, field = item.get("message"), item.get("field")
    return f"{field}: {message}" if isinstance(field, str) and field and isinstance(message, str) else message
