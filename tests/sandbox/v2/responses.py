# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results and errors as bytes: four forms of a body, two formats, two behaviours."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..http_messages import ApiResponse
from .behaviours import ApiError, Behaviour, ErrorReason, ErrorShape, ErrorTemplate
from .calls import VERBS
from .operations import Result

_XML_TYPE = "text/xml; charset=utf-8"
XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# A bare carriage return would be read back as a line feed.
_XML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})


def _element(name: str, content: str) -> str:
    """An XML element with content that is already escaped."""
    return f"<{name}>{content}</{name}>"


def _text(value: object) -> str:
    return "" if value is None else str(value).translate(_XML_ESCAPES)


class Renderer:
    """Renders results and errors in the form of one behaviour."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def render_result(self, result: Result, response_format: str, operation: str) -> ApiResponse:
        """The answer of a call that succeeded."""
        if result is None:
            return self._respond(200, response_format, operation, {"message": "success"}, _result_xml("success"))
        if response_format == "xml":
            return self._xml(200, self._users(result))
        return self._json(200, operation, [dict(zip(self.behaviour.row, row)) for row in result])

    def render_error(self, error: ApiError, response_format: str, operation: str) -> ApiResponse:
        """The answer of a call that was refused."""
        template = self.behaviour.errors[error.reason]
        messages = error.messages or ((template.text,) if template.text else ())
        value, xml = _ERROR_BODIES[template.shape](template, messages)
        response = self._respond(template.status, response_format, operation, value, xml)
        return response.with_headers({"allow": ", ".join(VERBS)}) if template.status == 405 else response

    def render_custom_error(
        self, message: str, status: int | None, response_format: str, operation: str, more_messages: Iterable[str] = ()
    ) -> ApiResponse:
        """An error without an `ErrorReason`, in the same form as the error for an unknown user.

        Without `status`, the status and the code are those of that error, too. `more_messages`: for a form with a list.
        """
        usual = self.behaviour.errors[ErrorReason.UNKNOWN_USER]
        template = usual if status is None else replace(usual, status=status, code=status)
        value, xml = _ERROR_BODIES[template.shape](replace(template, text=message), (message, *more_messages))
        return self._respond(template.status, response_format, operation, value, xml)

    def _respond(self, status: int, response_format: str, operation: str, value: Any, xml: str) -> ApiResponse:
        return self._xml(status, xml) if response_format == "xml" else self._json(status, operation, value)

    def _users(self, rows: Iterable[tuple[str, ...]]) -> str:
        """`<users>` with one `<user>` for each row. The observed service has an empty body for an empty list [seen]."""
        user = _element("user", "".join([_element(name, "%s") for name in self.behaviour.row]))
        users = [user % tuple(map(_text, row)) for row in rows]
        if users:
            return _element("users", "".join(users))
        return "" if self.behaviour.empty_xml_list_is_empty_body else "<users/>"

    def _xml(self, status: int, xml: str) -> ApiResponse:
        body = (XML_DECLARATION + xml).encode("utf-8") if xml else b""
        return ApiResponse.of_type(_XML_TYPE, body, status)

    def _json(self, status: int, operation: str, value: Any) -> ApiResponse:
        text = json.dumps(value, ensure_ascii=self.behaviour.php_json, separators=(",", ":"))
        if self.behaviour.php_json:
            # PHP escapes slashes [seen]. A slash occurs only inside texts.
            text = text.replace("/", "\\/")
        html = operation in self.behaviour.html_operations
        return ApiResponse.of_type("text/html" if html else self.behaviour.json_type, text.encode("utf-8"), status)


def _result_xml(message: str) -> str:
    return _element("result", _element("message", _text(message)))


def _errors_list(template: ErrorTemplate, messages: tuple[str, ...]) -> tuple[Any, str]:
    """[doc, seen] `{"message": "error", "errors": [...]}`"""
    errors = "".join(_element("error", _text(message)) for message in messages)
    xml = _element("result", _element("message", "error") + _element("errors", errors))
    return {"message": "error", "errors": list(messages)}, xml


def _message_only(template: ErrorTemplate, messages: tuple[str, ...]) -> tuple[Any, str]:
    """[doc] `{"message": "User not found"}`"""
    return {"message": template.text}, _result_xml(template.text or "")


def _error_object(template: ErrorTemplate, messages: tuple[str, ...]) -> tuple[Any, str]:
    """[seen] `{"error": {"code": 401, "message": "..."}}`; its XML was never recorded [own]."""
    xml = _element("error", _element("code", _text(template.code)) + _element("message", _text(template.text)))
    return {"error": {"code": template.code, "message": template.text}}, xml


_ERROR_BODIES = {
    ErrorShape.ERRORS_LIST: _errors_list,
    ErrorShape.MESSAGE_ONLY: _message_only,
    ErrorShape.ERROR_OBJECT: _error_object,
}
