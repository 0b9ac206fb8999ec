# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""From the bytes of an answer to values, or to the one error type.

Two questions can be asked of an answer: `confirmation` (did the server say success) and `rows` (the customers of a
list). Each reads JSON or XML, by the format that was asked for and never by the content type [seen: JSON under
`text/html`]. What the HTTP status says is not looked at here: errors come with HTTP 200 [seen].

A few bytes can become hundreds in memory, so what an answer holds is counted before values are made of it. No value is
nested deeply, so other code may go down into one.
"""

from __future__ import annotations

import typing as t
from xml.parsers import expat

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.documents import (
    DEEPEST,
    check_number,
    is_web_page,
    json_document,
    texts_in,
)

try:
    import xmltodict

    HAS_XMLTODICT = True
except ImportError:
    HAS_XMLTODICT = False

# A row of a list: wire name -> text. A field that is there without a value is "", one that is not there has no key.
# Fields that this collection does not know may hold anything that the format can carry.
WireRow = dict[str, t.Any]

_BOOLEANS: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True),
    **dict.fromkeys(("false", "0", "no", "off", "f", "n"), False),
}

# A code has three digits [seen], and reading a number of any length takes any time.
_LONGEST_CODE = 15


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


def rows(answer_format: str, body: bytes) -> list[WireRow]:
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
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError("neither true nor false") from None


def _document(answer_format: str, body: bytes) -> t.Any:
    """JSON or XML as the same plain values: a list of rows, a dict of an answer, or a bare value."""
    try:
        return json_document(body) if answer_format == "json" else _xml_document(body)
    # ValueError: malformed, a wrong encoding, a DTD, too much, nested too deeply. RecursionError: even deeper.
    except (ValueError, RecursionError):
        raise _unreadable(f"the answer is not {answer_format.upper()}", body) from None


def _xml_document(body: bytes) -> t.Any:
    """The parsed XML, with the root elements that only wrap an answer taken off."""
    check_number(_xml_values(body))
    [(root, content)] = _without_blanks(_parse_xml(body)).items()
    if root == "users":
        return _xml_rows(content)
    # `<result>success</result>` [doc]
    is_wrapper = root == "result" and isinstance(content, dict)
    return content if is_wrapper else {root: content}


def _xml_values(body: bytes) -> int:
    """How many elements and attributes an XML text holds, or a few more.

    The bytes of `<`, `=` and quotes are the same in every encoding that expat reads. An element is not begun by `</`,
    `<!` and `<?`, and an attribute takes an equals sign and two quotes.
    """
    elements = body.count(b"<") - body.count(b"</") - body.count(b"<!") - body.count(b"<?")
    quotes = body.count(b'"') + body.count(b"'")
    return elements + min(body.count(b"="), quotes // 2)


class _BoundedExpat:
    """In place of `xml.parsers.expat`: no answer on record has a DTD, and a DTD is how XML attacks its reader."""

    @staticmethod
    def ParserCreate(*args: t.Any) -> t.Any:  # pylint: disable=invalid-name
        parser = expat.ParserCreate(*args)
        parser.StartDoctypeDeclHandler = _refuse_dtd
        return _BoundedParser(parser)


class _BoundedParser:
    """A parser of expat that ends where elements are nested too deeply: each level takes hundreds of bytes."""

    def __init__(self, parser: t.Any) -> None:
        vars(self).update(_parser=parser, _depth=0)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._parser, name)

    def __setattr__(self, name: str, value: t.Any) -> None:
        if name == "StartElementHandler":
            value = self._counted_start(value)
        elif name == "EndElementHandler":
            value = self._counted_end(value)
        setattr(self._parser, name, value)

    def _counted_start(self, handle: t.Callable[[str, t.Any], t.Any]) -> t.Callable[[str, t.Any], None]:
        state = vars(self)

        def start(name: str, attributes: t.Any) -> None:
            state["_depth"] += 1
            if state["_depth"] > DEEPEST:
                raise ValueError("nested too deeply")
            handle(name, attributes)

        return start

    def _counted_end(self, handle: t.Callable[[str], t.Any]) -> t.Callable[[str], None]:
        state = vars(self)

        def end(name: str) -> None:
            state["_depth"] -= 1
            handle(name)

        return end


def _refuse_dtd(*_declaration: t.Any) -> None:
    raise ValueError("a document type declaration")


def _parse_xml(body: bytes) -> dict[str, t.Any]:
    try:
        # Blanks count: a name with a blank at its end must compare equal to what was sent.
        document: dict[str, t.Any] = xmltodict.parse(
            body, strip_whitespace=False, xml_attribs=False, force_list=("user",), expat=_BoundedExpat
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


def _row(row: t.Any, body: bytes) -> WireRow:
    if not isinstance(row, dict):
        raise _unreadable("a customer in the list is not a record", body)
    others = {name: _field(value) for name, value in row.items() if not isinstance(value, str)}
    # Nearly always there are none, and a copy of every row of a large list takes room.
    return {**row, **others} if others else row


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
        raise _error(error.get("message"), "object", _code(error.get("code")))
    # `"error": false` and `"error": 0` beside a success are none.
    if error and error != "0":
        raise _error(error, "string")
    listed = _error(document.get("errors"), "errors")
    if listed.messages:
        raise listed
    message = _message(document)
    if message not in ("", "success"):
        raise _error(message, "message")


def _message(document: dict[str, t.Any]) -> str:
    """The message of an answer, also of `{"result": "success"}`."""
    message = document.get("message", document.get("result"))
    return message.strip() if isinstance(message, str) else ""


def _error(value: t.Any, shape: str, code: int | None = None) -> WireError:
    """An error with the messages in `value`."""
    messages, left_out = texts_in(value)
    return WireError(messages, code, shape=shape, left_out=left_out)


def _code(value: t.Any) -> int | None:
    """404 or "404" [seen both] -> 404."""
    try:
        return None if isinstance(value, str) and len(value.strip()) > _LONGEST_CODE else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _unreadable(reason: str, body: bytes) -> WireError:
    html = is_web_page(body)
    return WireError([f"{reason}, but a web page" if html else reason], readable=False, html=html)
