# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Text as it may be sent, and text as it may be shown to a person."""

from __future__ import annotations

import functools
import html.entities
import re
import typing as t

MASK = "********"

# What XML 1.0 can carry (https://www.w3.org/TR/xml/#charsets), turned round. Lone surrogates are among the rest, so
# whatever passes can be encoded as UTF-8 too.
_NOT_CARRIED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Control characters, and those that turn the reading direction or hide: a terminal must not obey a server's text.
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")

_LONGEST_SHOWN = 500

# A character -> the names of HTML and XML for it (`amp` and `AMP`, `apos`).
_ENTITIES: dict[str, list[str]] = {}
for _name, _character in html.entities.html5.items():
    if _name.endswith(";"):
        _ENTITIES.setdefault(_character, []).append(_name)


def is_carried(text: str) -> bool:
    """Whether both formats can carry `text`: JSON can carry more, but a customer must not depend on the format."""
    return _NOT_CARRIED.search(text) is None


def shown(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """`text` with control characters made visible and cut to `longest` characters: for messages."""
    visible = _NOT_SHOWN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
    return visible if len(visible) <= longest else visible[: longest - 1] + "…"


def whole(text: str) -> str:
    """`text` with each lone surrogate replaced, so that it can be written anywhere as UTF-8."""
    return _SURROGATES.sub("\ufffd", text)


# A backslash before the character, or before a letter that stands for it: JSON, and what programs make of a quote.
_BACKSLASHED = {**{character: character for character in "\"'\\/"}, "\n": "n", "\r": "r", "\t": "t"}


def _spellings(character: str) -> str:
    """A pattern for the ways in which a server or a library may write `character`: form, JSON, HTML and XML."""
    number = ord(character)
    utf_8 = "".join(f"%{byte:02x}" for byte in character.encode("utf-8"))
    utf_16 = character.encode("utf-16-be").hex()
    units = "".join(r"\\u" + unit for unit in re.findall("....", utf_16))
    spellings = [f"(?i:{utf_8}|{units}|&#0*{number};|&#x0*{number:x};)"]
    spellings += [f"&{name}" for name in _ENTITIES.get(character, [])]
    if character in _BACKSLASHED:
        spellings.append(re.escape("\\" + _BACKSLASHED[character]))
    if character == " ":
        spellings.append(r"\+")
    # The plain ones come last, so that they do not leave the rest of a longer one behind.
    spellings += [re.escape(shown(character)), re.escape(character)]
    return f"(?:{'|'.join(spellings)})"


class Redactor:
    """Replaces secrets in text, in each spelling in which they may come back.

    Ansible masks the values of `no_log` options in results by itself, but knows only their plain spelling.
    """

    def __init__(self, secrets: t.Iterable[str | None]) -> None:
        self._secrets = {whole(secret) for secret in secrets if secret}

    def __call__(self, text: str) -> str:
        """`text` without the secrets."""
        return self._pattern.sub(MASK, text) if self._secrets else text

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Made when it is first needed: most tasks have no text of a server to tell."""
        # The longest first: a secret that contains another one must not leave its rest behind.
        ordered = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
        return re.compile("|".join("".join(map(_spellings, secret)) for secret in ordered))
