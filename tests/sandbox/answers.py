# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes and refusals as bytes: four shapes of body, two formats, two behaviours."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .behaviours import Behaviour, Face, Reason, Refusal, Shape
from .operations import Outcome

_XML_TYPE = "text/xml; charset=utf-8"
XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# A bare carriage return would be read back as a line feed.
_XML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    content_type: str
    body: bytes


def _element(name: str, content: str) -> str:
    """An XML element around content that is escaped already."""
    return f"<{name}>{content}</{name}>"


def _text(value: object) -> str:
    return "" if value is None else str(value).translate(_XML_ESCAPES)


class Renderer:
    """Puts outcomes into one behaviour's words."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def outcome(self, outcome: Outcome, wanted: str, operation: str) -> Answer:
        """The answer of a call that succeeded."""
        if outcome is None:
            return self._answer(200, wanted, operation, {"message": "success"}, _result("success"))
        if wanted == "xml":
            return self._xml(200, self._users(outcome))
        return self._json(200, operation, [dict(zip(self.behaviour.row, row)) for row in outcome])

    def refusal(self, refusal: Refusal, wanted: str, operation: str) -> Answer:
        """The answer of a call that was refused."""
        face = self.behaviour.faces[refusal.reason]
        messages = refusal.messages or ((face.text,) if face.text else ())
        value, xml = _SHAPES[face.shape](face, messages)
        return self._answer(face.status, wanted, operation, value, xml)

    def error(self, message: str, status: int | None, wanted: str, operation: str, more: Iterable[str] = ()) -> Answer:
        """An error that no reason stands for, in the form that is usual for an unknown user.

        Without `status` its status and code are the usual ones too. `more` messages are for a form that is a list.
        """
        usual = self.behaviour.faces[Reason.UNKNOWN_USER]
        face = usual if status is None else replace(usual, status=status, code=status)
        value, xml = _SHAPES[face.shape](replace(face, text=message), (message, *more))
        return self._answer(face.status, wanted, operation, value, xml)

    def _answer(self, status: int, wanted: str, operation: str, value: Any, xml: str) -> Answer:
        return self._xml(status, xml) if wanted == "xml" else self._json(status, operation, value)

    def _users(self, rows: Iterable[tuple[str, ...]]) -> str:
        """`<users>` with one `<user>` a row, or nothing at all for an empty list of the observed service [seen]."""
        user = _element("user", "".join([_element(name, "%s") for name in self.behaviour.row]))
        users = [user % tuple(map(_text, row)) for row in rows]
        if users:
            return _element("users", "".join(users))
        return "" if self.behaviour.empty_xml_list_is_empty_body else "<users/>"

    def _xml(self, status: int, xml: str) -> Answer:
        return Answer(status, _XML_TYPE, (XML_DECLARATION + xml).encode("utf-8") if xml else b"")

    def _json(self, status: int, operation: str, value: Any) -> Answer:
        text = json.dumps(value, ensure_ascii=self.behaviour.php_json, separators=(",", ":"))
        if self.behaviour.php_json:
            # As PHP writes it [seen]. A slash occurs inside of texts only.
            text = text.replace("/", "\\/")
        html = operation in self.behaviour.html_operations
        return Answer(status, "text/html" if html else self.behaviour.json_type, text.encode("utf-8"))


def _result(message: str) -> str:
    return _element("result", _element("message", _text(message)))


def _errors_list(face: Face, messages: tuple[str, ...]) -> tuple[Any, str]:
    """[doc, seen] `{"message": "error", "errors": [...]}`"""
    errors = "".join(_element("error", _text(message)) for message in messages)
    xml = _element("result", _element("message", "error") + _element("errors", errors))
    return {"message": "error", "errors": list(messages)}, xml


def _message_only(face: Face, messages: tuple[str, ...]) -> tuple[Any, str]:
    """[doc] `{"message": "User not found"}`"""
    return {"message": face.text}, _result(face.text or "")


def _error_object(face: Face, messages: tuple[str, ...]) -> tuple[Any, str]:
    """[seen] `{"error": {"code": 401, "message": "..."}}`; its XML was never recorded [own]."""
    xml = _element("error", _element("code", _text(face.code)) + _element("message", _text(face.text)))
    return {"error": {"code": face.code, "message": face.text}}, xml


_SHAPES = {
    Shape.ERRORS_LIST: _errors_list,
    Shape.MESSAGE_ONLY: _message_only,
    Shape.ERROR_OBJECT: _error_object,
}
