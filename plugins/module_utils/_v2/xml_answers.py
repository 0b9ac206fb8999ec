# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Decodes the bytes of an answer in XML to the same plain values that JSON gives.

Only an answer in XML needs this file and its library.
"""

from __future__ import annotations

import typing as t
from xml.parsers import expat

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.documents import DEEPEST, check_number

try:
    import xmltodict

    HAS_XMLTODICT = True
except ImportError:
    HAS_XMLTODICT = False


def xml_document(body: bytes) -> t.Any:
    """The parsed XML, without root elements that only wrap an answer."""
    check_number(_values(body))
    [(root, content)] = _without_blanks(_parsed(body)).items()
    if root == "users":
        return _rows(content)
    # `<result>success</result>` [doc]
    is_wrapper = root == "result" and isinstance(content, dict)
    return content if is_wrapper else {root: content}


def _values(body: bytes) -> int:
    """The number of elements and attributes in an XML text, or a few more.

    The bytes of `<`, `=` and quotes are the same in every encoding that expat reads. `</`, `<!` and `<?` do not begin
    an element. An attribute has an equals sign and two quotes.
    """
    elements = body.count(b"<") - body.count(b"</") - body.count(b"<!") - body.count(b"<?")
    quotes = body.count(b'"') + body.count(b"'")
    return elements + min(body.count(b"="), quotes // 2)


class _BoundedExpat:
    """Replaces `xml.parsers.expat` and refuses a DTD: no known answer has one, and attacks through XML use one."""

    @staticmethod
    def ParserCreate(*args: t.Any) -> t.Any:  # pylint: disable=invalid-name
        parser = expat.ParserCreate(*args)
        parser.StartDoctypeDeclHandler = _refuse_dtd
        return _BoundedParser(parser)


class _BoundedParser:
    """A parser of expat that refuses deeply nested elements: each level takes hundreds of bytes."""

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


def _parsed(body: bytes) -> dict[str, t.Any]:
    try:
        # Blanks matter: a name with a blank at its end must equal the name that was sent.
        document: dict[str, t.Any] = xmltodict.parse(
            body, strip_whitespace=False, xml_attribs=False, force_list=("user",), expat=_BoundedExpat
        )
        return document
    except (expat.ExpatError, LookupError) as error:
        # LookupError: the declaration names an unknown encoding.
        raise ValueError("malformed") from error


def _rows(content: t.Any) -> list[t.Any]:
    """The `<user>` elements. Ignores blanks between elements, which arrive as text."""
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
