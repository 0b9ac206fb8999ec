# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Text as it may be sent, and text as it may be shown to a person."""

from __future__ import annotations

import functools
import re
import typing as t
import unicodedata

MASK = "********"

# In place of a message of a server.
REPEATS_A_SECRET = "(a message that repeats a secret is not shown)"
IS_ESCAPED_TOO_OFTEN = "(a message that is escaped too many times is not shown)"

# What XML 1.0 cannot carry (https://www.w3.org/TR/xml/#charsets). Lone surrogates are among it, so whatever passes can
# be encoded as UTF-8 too. Not written as the reverse of what it can carry: that takes ten times as long to compile.
_NOT_TRANSMITTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# What a terminal might obey, and what nobody sees: the categories Cc, Cf, Cs, Zl and Zp, the property
# Default_Ignorable_Code_Point (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point) and U+FFFE, U+FFFF.
# A list, since the tables of a Python depend on its version: these are of Unicode 16.
_NOT_SHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")

_LONGEST_SHOWN = 500


def is_transmittable(text: str) -> bool:
    """Whether both formats can carry `text`: JSON can carry more, but a customer must not depend on the format."""
    return _NOT_TRANSMITTABLE.search(text) is None


def is_unseen(character: str) -> bool:
    """Whether nobody sees `character`, or a terminal might obey it. The answer is the same on every Python."""
    return _NOT_SHOWN.match(character) is not None


def escape_control(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """`text` with what cannot be seen made visible and cut to `longest` characters: for messages."""
    visible = _NOT_SHOWN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
    return visible if len(visible) <= longest else visible[: longest - 1] + "…"


def replace_surrogates(text: str) -> str:
    """`text` with each lone surrogate replaced, so that it can be written anywhere as UTF-8."""
    return _SURROGATES.sub("\ufffd", text)


def and_more(count: int, what: str = "more") -> list[str]:
    """What goes after the first ones of some texts, when there are `count` more: `and 3 more`, or nothing."""
    return [f"and {count} {what}"] if count > 0 else []


def first_of(texts: t.Sequence[str], most: int, what: str = "more") -> list[str]:
    """The first `most` of some texts, and how many more there are: `and 3 more`."""
    return [*texts[:most], *and_more(len(texts) - most, what)]


# Decoding

# `&amp;`, `&#38;`, `&#x26;`. Programs that escape write the semicolon.
_REFERENCE = re.compile("&(?:#([0-9]{1,32})|#[xX]([0-9a-fA-F]{1,32})|([a-zA-Z][a-zA-Z0-9]{0,31}));")
# `\"`, `\n`, `\u00e4`, `\xe4`, `\U0001f600`. No two of the three kinds can share a character, so that their order does
# not matter.
_BACKSLASHED = re.compile(
    r"""\\(?:U000([0-9a-fA-F]{5})|[uU]([0-9a-fA-F]{4})|[xX]([0-9a-fA-F]{2})|([bBfFnNrRtT"'\\/]))"""
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = re.compile("(?:%[0-9a-fA-F]{2})+")


def _without_references(text: str) -> str:
    """HTML and XML decoded once."""
    return _REFERENCE.sub(_referred, text)


def _referred(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name is None:
        return _character(int(decimal or hexadecimal, 10 if decimal else 16), found.group())
    # Two thousand names, loaded with the first one that a server uses.
    from html.entities import html5

    # A server that tells everything in capitals makes `&APOS;` of it.
    return html5.get(f"{name};") or html5.get(f"{name.lower()};") or found.group()


def _without_backslashes(text: str) -> str:
    """JSON, and what programs make of quotes, decoded once."""
    decoded = _BACKSLASHED.sub(_unescaped, text)
    if _SURROGATES.search(decoded):
        # JSON writes what is beyond U+FFFF as two.
        decoded = decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return decoded


def _unescaped(found: re.Match[str]) -> str:
    sign = found[4]
    if sign is None:
        return _character(int(found[1] or found[2] or found[3], 16), found.group())
    return _CONTROLS.get(sign.lower(), sign)


def _character(number: int, otherwise: str) -> str:
    return chr(number) if number <= 0x10FFFF else otherwise


def _without_percents(text: str) -> str:
    """Addresses and forms decoded once, but for the plus."""
    return _PERCENT.sub(lambda found: bytes.fromhex(found.group().replace("%", "")).decode("utf-8", "replace"), text)


_DECODERS: tuple[t.Callable[[str], str], ...] = (_without_references, _without_backslashes, _without_percents)
_MOST_ROUNDS = 5


def _decoded(text: str) -> tuple[list[str], bool]:
    """`text` and each stage of decoding it, and whether the last one is plain: more decoding would not change it.

    But for `text` they have no blanks, so that an escape that a new line divides is one.
    """
    stages = [text, _compact(text)]
    for _round in range(_MOST_ROUNDS):
        before = len(stages)
        for decode in _DECODERS:
            stage = _compact(decode(stages[-1]))
            if stage != stages[-1]:
                stages.append(stage)
        if len(stages) == before:
            return stages, True
    return stages, all(decode(stages[-1]) == stages[-1] for decode in _DECODERS)


def _compact(text: str) -> str:
    return "".join(text.split())


# Comparing


def _folded(text: str) -> str:
    """`text` for comparing: without case, without blanks and what cannot be seen, and composed letters taken apart.

    A form writes a blank as plus, so that one is a blank here.
    """
    return "".join(map(_folded_character, text))


@functools.lru_cache(maxsize=4096)
def _folded_character(character: str) -> str:
    """One by one, since to bring the accents of a whole text into order is quadratic."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(one for one in apart if not (one.isspace() or one == "+" or is_unseen(one)))


class _Beginnings:
    """All beginnings of some texts, found in another text in one go, in steps that grow with the lengths alone.

    The automaton of Aho and Corasick. A beginning is a number; the shorter ones have come before the longer ones in
    `by_length`, and 0 is the empty one.
    """

    def __init__(self, texts: t.Collection[str]) -> None:
        self._longer: list[dict[str, int]] = [{}]
        for text in texts:
            self._add(text)
        # The longest beginning of any text that a beginning ends with, but for itself.
        self.ends_with = [0] * len(self._longer)
        self.by_length: list[int] = []
        of_one_length = [0]
        while of_one_length:
            self.by_length += of_one_length
            of_one_length = [longer for beginning in of_one_length for longer in self._linked(beginning)]

    def of(self, text: str) -> list[int]:
        """Those of one of the texts, the shortest first."""
        found = [0]
        for character in text:
            found.append(self._longer[found[-1]][character])
        return found[1:]

    def within(self, text: str) -> t.Iterator[int]:
        """For each place in any `text`, the longest one that ends there."""
        beginning = 0
        for character in text:
            beginning = self._after(beginning, character)
            yield beginning

    def _add(self, text: str) -> None:
        beginning = 0
        for character in text:
            longer = self._longer[beginning]
            if character not in longer:
                longer[character] = len(self._longer)
                self._longer.append({})
            beginning = longer[character]

    def _linked(self, beginning: int) -> t.Iterable[int]:
        """Those that are longer by one character, once it is known what they end with."""
        longer = self._longer[beginning]
        if beginning:
            for character, number in longer.items():
                self.ends_with[number] = self._after(self.ends_with[beginning], character)
        return longer.values()

    def _after(self, beginning: int, character: str) -> int:
        """The longest beginning that ends with `character`, where `beginning` was the longest before it."""
        while beginning and character not in self._longer[beginning]:
            beginning = self.ends_with[beginning]
        return self._longer[beginning].get(character, 0)


# Redacting

# In characters: of a message that is looked at and told, and of a secret that can be in it.
_LONGEST_MESSAGE = 4096
# A server may quote the first characters of a secret. Fewer than these are part of words.
_TELLING = 8


class Redactor:
    """Keeps secrets out of the messages of a server, however they are escaped there.

    Ansible masks the values of `no_log` options in results by itself, but knows only their plain spelling.

    A message is decoded until nothing changes, and must at no stage hold a secret, or 8 characters of its beginning.
    `names`: of the account and of the customer. What a secret and a name have in common is no secret: else a password
    that begins with the username would hide each message that names the customer. A whole secret is one, even if it is
    the name.

    Found in any nesting: references of HTML and XML, percent-encoding, escapes of JSON; in capitals, in several lines,
    without the blanks at its ends, with letters composed or decomposed. Not found: base64, and text that was read in a
    wrong encoding. Of a secret that is blank there is nothing to be found.
    """

    def __init__(self, secrets: t.Iterable[str | None], names: t.Iterable[str | None] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._names = [name for name in names if name]

    def add(self, secret: str) -> None:
        """Keeps out one more secret from now on."""
        self._secrets.append(secret)
        self.__dict__.pop("_search", None)

    def __call__(self, message: str) -> str:
        """The first 4096 characters of `message`, or in its place the words that it is not shown."""
        message = message[:_LONGEST_MESSAGE]
        if not self._secrets:
            return message
        stages, is_plain = _decoded(message)
        if not is_plain:
            return IS_ESCAPED_TOO_OFTEN
        return REPEATS_A_SECRET if any(map(self._search.finds, map(_folded, stages))) else message

    @functools.cached_property
    def _search(self) -> _Search:
        """Made when it is first needed: most tasks have no text of a server to tell."""
        secrets = {_folded(form): _fewest(form) for form in _forms(self._secrets)}
        return _Search(secrets, {_folded(form) for form in _forms(self._names)})


def _forms(texts: t.Iterable[str]) -> list[str]:
    """Each of `texts` at each stage of decoding it, and at last as it is.

    A text that holds an escape of one kind and is escaped in another way may never be found as it is.
    """
    return [form for text in texts for form in reversed(_decoded(replace_surrogates(text[:_LONGEST_MESSAGE]))[0])]


def _fewest(secret: str) -> int:
    """How many characters of a secret that is folded stand for 8 of its first ones: blanks count, those around not."""
    return len(_folded(secret.strip()[:_TELLING])) or _TELLING


class _Search:
    """Looks for `secrets`: folded -> how much of the beginning is to be found. Folded `names` are none."""

    def __init__(self, secrets: t.Mapping[str, int], names: t.Iterable[str]) -> None:
        self._beginnings = _Beginnings(secrets)
        in_names = self._within_any(names)
        self._found = {self._telling(secret, fewest, in_names) for secret, fewest in secrets.items() if secret}
        for beginning in self._beginnings.by_length:
            if self._beginnings.ends_with[beginning] in self._found:
                self._found.add(beginning)

    def finds(self, text: str) -> bool:
        """Whether the folded `text` holds a secret, or enough of its beginning."""
        return any(beginning in self._found for beginning in self._beginnings.within(text))

    def _within_any(self, names: t.Iterable[str]) -> set[int]:
        within = {beginning for name in names for beginning in self._beginnings.within(name)}
        for beginning in reversed(self._beginnings.by_length):
            if beginning in within:
                within.add(self._beginnings.ends_with[beginning])
        return within

    def _telling(self, secret: str, fewest: int, in_names: t.Container[int]) -> int:
        """The beginning of a secret that no text may hold: all of it, if it is short or part of a name."""
        beginnings = self._beginnings.of(secret)
        shortest = fewest - 1
        return next((one for one in beginnings[shortest:] if one not in in_names), beginnings[-1])


# A server must not fill the screen, nor keep the processor busy: the rest is only counted.
_MOST_MESSAGES = 20


def server_said(messages: t.Sequence[str], left_out: int, redact: Redactor) -> tuple[list[str], str]:
    """The first messages of a server without secrets, and the same for a sentence.

    `left_out`: how many there are beyond `messages`.
    """
    told = [redact(message) for message in messages[:_MOST_MESSAGES]]
    quoted = [_quoted(message) for message in told]
    more = and_more(len(messages) + left_out - len(told), "more messages")
    return told, "; ".join([*quoted, *more]) or "an error without a message"


def _quoted(message: str) -> str:
    """What a server said, in quotes; the words in place of that are none of its own."""
    return message if message in (REPEATS_A_SECRET, IS_ESCAPED_TOO_OFTEN) else f"'{escape_control(message)}'"
