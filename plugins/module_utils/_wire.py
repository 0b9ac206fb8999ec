# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""From the bytes of an answer to values, or to the one error type.

Two questions can be asked of an answer: `confirmation` (did the server say success) and `rows` (the customers of a
list). Each reads JSON or XML, by the format that was asked for and never by the content type [seen: JSON under
`text/html`]. What the HTTP status says is not looked at here: errors come with HTTP 200 [seen].
"""

from __future__ import annotations

import json
import re
import typing as t
from xml.parsers import expat

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import whole

try:
    import xmltodict

    HAS_XMLTODICT = True
except ImportError:
    HAS_XMLTODICT = False

# A row of a list: wire name -> text. A field that is there without a value is "", one that is not there has no key.
# Fields that this collection does not know may hold anything that the format can carry.
Row = dict[str, t.Any]

_FEW_RECORDS = 10_000
_SHORTEST_RECORD = 40
# Half a character: escaped, in UTF-8, or in an encoding whose characters have zeros among their bytes.
_MAY_HOLD_SURROGATES = re.compile(rb"\\u[dD]|\xed[\xa0-\xbf]|\x00")
_WEB_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def confirmation(answer_format: str, body: bytes) -> None:
    """Returns when the answer says success.

    Raises WireError when it says anything else, or nothing: an empty answer is no confirmation.
    """
    document = _document(answer_format, body)
    if not isinstance(document, dict):
        raise _unreadable("the answer is not a confirmation", body)
    _raise_error_in(document)
    # Where there is no message, it is neither a success nor an error of any shape on record.
    if _message(document) != "success":
        raise _unreadable("the answer is not a confirmation", body)


def rows(answer_format: str, body: bytes) -> list[Row]:
    """The customers of a list.

    An empty list is `[]`, `<users/>` or an empty body [doc, seen]. Raises WireError for an error or anything else.
    """
    if not body.strip():
        return []
    document = _document(answer_format, body)
    if isinstance(document, dict):
        _raise_error_in(document)
    if not isinstance(document, list):
        raise _unreadable("the answer is not a list of customers", body)
    return [_row(row, body) for row in document]


def boolean(text: str) -> bool | None:
    """`"true"`, `"false"` [seen] and other spellings of the same -> bool; no text at all -> None.

    Raises ValueError for anything else.
    """
    word = text.strip().lower()
    if word in ("true", "1", "yes", "on", "t", "y"):
        return True
    if word in ("false", "0", "no", "off", "f", "n"):
        return False
    if word:
        raise ValueError("neither true nor false")
    return None


def _document(answer_format: str, body: bytes) -> t.Any:
    """JSON or XML as the same plain values: a list of rows, a dict of an answer, or a bare value."""
    try:
        return _json_document(body) if answer_format == "json" else _xml_document(body)
    # ValueError: malformed, a wrong encoding, a DTD. RecursionError: nested too deeply.
    except (ValueError, RecursionError):
        raise _unreadable(f"the answer is not {answer_format.upper()}", body) from None


def _json_document(body: bytes) -> t.Any:
    # A record of a few bytes takes hundreds in memory; the records of the API take hundreds of bytes as well.
    if body.count(b"{") + body.count(b"[") > _FEW_RECORDS + len(body) // _SHORTEST_RECORD:
        raise ValueError("more records than customers can have")
    # Numbers stay as they are written, like all values on the wire.
    document = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    # To look through each text takes longer than the rest.
    return _texts(document) if _MAY_HOLD_SURROGATES.search(body) else document


def _xml_document(body: bytes) -> t.Any:
    """The parsed XML, with the root elements that only wrap an answer taken off."""
    [(root, content)] = _without_blanks(_parse_xml(body)).items()
    if root == "users":
        return _xml_rows(content)
    # `<result>success</result>` [doc]
    is_wrapper = root == "result" and isinstance(content, dict)
    return content if is_wrapper else {root: content}


class _ExpatWithoutDtd:
    """In place of `xml.parsers.expat`: no answer on record has a DTD, and a DTD is how XML attacks its reader."""

    @staticmethod
    def ParserCreate(*args: t.Any) -> t.Any:  # pylint: disable=invalid-name
        parser = expat.ParserCreate(*args)
        parser.StartDoctypeDeclHandler = _refuse_dtd
        return parser


def _refuse_dtd(*_declaration: t.Any) -> None:
    raise ValueError("a document type declaration")


def _parse_xml(body: bytes) -> dict[str, t.Any]:
    try:
        # Blanks count: a name with a blank at its end must compare equal to what was sent.
        document: dict[str, t.Any] = xmltodict.parse(
            body, strip_whitespace=False, xml_attribs=False, force_list=("user",), expat=_ExpatWithoutDtd
        )
        return document
    except (expat.ExpatError, LookupError) as error:
        # LookupError: the declaration names an encoding that nobody knows.
        raise ValueError("malformed") from error


def _xml_rows(content: t.Any) -> list[t.Any]:
    """The `<user>` elements; blanks between elements arrive as text and are nothing."""
    if content is None or (isinstance(content, str) and not content.strip()):
        return []
    if not isinstance(content, dict):
        raise ValueError("text in place of customers")
    return [{} if row is None else row for row in content.get("user", [])]


def _texts(value: t.Any) -> t.Any:
    """The same values with text that can be written as UTF-8."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, dict):
        return {whole(key): _texts(item) for key, item in value.items()}
    return value


def _without_blanks(value: t.Any) -> t.Any:
    """The same values without the blanks between XML elements."""
    if isinstance(value, list):
        return [_without_blanks(item) for item in value]
    if isinstance(value, dict):
        return {
            key: item if isinstance(item, str) else _without_blanks(item)
            for key, item in value.items()
            if key != "#text"
        }
    return value


def _row(row: t.Any, body: bytes) -> Row:
    if not isinstance(row, dict):
        raise _unreadable("a customer in the list is not a record", body)
    return {name: _field(value) for name, value in row.items()}


def _field(value: t.Any) -> t.Any:
    """One value as text; PHP writes booleans bare where a column is typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _raise_error_in(document: dict[str, t.Any]) -> None:
    """Raises WireError when `document` has one of the four shapes of an error."""
    error = document.get("error")
    if isinstance(error, dict) and error:
        code = _code(error.get("code"))
        raise WireError(_messages(error.get("message")), code, shape="object")
    # `"error": false` and `"error": 0` beside a success are none.
    if error and error != "0":
        raise WireError(_messages(error), shape="string")
    listed = _messages(document.get("errors"))
    if listed:
        raise WireError(listed, shape="errors")
    message = _message(document)
    if message not in ("", "success"):
        raise WireError([str(message)], shape="message")


def _message(document: dict[str, t.Any]) -> str:
    """The message of an answer, also of `{"result": "success"}`."""
    message = document.get("message", document.get("result"))
    return message.strip() if isinstance(message, str) else ""


def _messages(value: t.Any) -> list[str]:
    """Every text in `value`: a text, a list of them, or an element that holds either."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [message for item in value for message in _messages(item)]
    text = "" if value is None or value is False else str(value).strip()
    return [text] if text else []


def _code(value: t.Any) -> int | None:
    """404 or "404" [seen both] -> 404."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _unreadable(reason: str, body: bytes) -> WireError:
    html = _WEB_PAGE.match(body) is not None
    return WireError([f"{reason}, but a web page" if html else reason], readable=False, html=html)
