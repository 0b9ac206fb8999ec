# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Which text a request can hold, and how to show text to a person."""

from __future__ import annotations

import functools
import re
import typing as t
import unicodedata

MASK = "********"

# These replace a message of a server.
REPEATS_A_SECRET = "(a message that repeats a secret is not shown)"
IS_ESCAPED_TOO_OFTEN = "(a message that is escaped too many times is not shown)"

# Characters that XML 1.0 does not allow (https://www.w3.org/TR/xml/#charsets). They include lone surrogates, so UTF-8
# can encode all other text. A pattern of the allowed characters would take ten times as long to compile.
_NOT_TRANSMITTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Characters that a terminal may obey or that are invisible: the categories Cc, Cf, Cs, Zl and Zp, the property
# Default_Ignorable_Code_Point (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point) and U+FFFE, U+FFFF.
# This is a fixed list of Unicode 16, because the tables of Python depend on its version.
_NOT_SHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")

_LONGEST_SHOWN = 500


def is_transmittable(text: str) -> bool:
    """Whether JSON and XML can both hold `text`. JSON allows more, but a customer must not depend on the format."""
    return _NOT_TRANSMITTABLE.search(text) is None


def is_unseen(character: str) -> bool:
    """Whether `character` is invisible, or a terminal may obey it. The answer is the same with every Python."""
    return _NOT_SHOWN.match(character) is not None


def escape_control(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """`text` for a message: invisible characters are escaped, and it has at most `longest` characters."""
    visible = _NOT_SHOWN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
    return visible if len(visible) <= longest else visible[: longest - 1] + "…"


def replace_surrogates(text: str) -> str:
    """`text` with a replacement for each lone surrogate, so that UTF-8 can encode it."""
    return _SURROGATES.sub("\ufffd", text)


def and_more(count: int, what: str = "more") -> list[str]:
    """What follows the first items of a list when there are `count` more: `and 3 more`, or nothing."""
    return [f"and {count} {what}"] if count > 0 else []


def first_of(texts: t.Sequence[str], most: int, what: str = "more") -> list[str]:
    """The first `most` texts, and the number of further ones: `and 3 more`."""
    return [*texts[:most], *and_more(len(texts) - most, what)]


# Decoding

# `&amp;`, `&#38;`, `&#x26;`. Programs that escape write the semicolon.
_REFERENCE = re.compile("&(?:#([0-9]{1,32})|#[xX]([0-9a-fA-F]{1,32})|([a-zA-Z][a-zA-Z0-9]{0,31}));")
# `\"`, `\n`, `\u00e4`, `\xe4`, `\U0001f600`. The three kinds of escapes never share a character, so their order does
# not matter.
_BACKSLASHED = re.compile(
    r"""\\(?:U000([0-9a-fA-F]{5})|[uU]([0-9a-fA-F]{4})|[xX]([0-9a-fA-F]{2})|([bBfFnNrRtT"'\\/]))"""
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = re.compile("(?:%[0-9a-fA-F]{2})+")


def _without_references(text: str) -> str:
    """Decodes references of HTML and XML once."""
    return _REFERENCE.sub(_referred, text)


def _referred(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name is None:
        return _character(int(decimal or hexadecimal, 10 if decimal else 16), found.group())
    # Imported when a server first uses a name: the table has two thousand names.
    from html.entities import html5

    # A server that writes everything in capitals sends `&APOS;`.
    return html5.get(f"{name};") or html5.get(f"{name.lower()};") or found.group()


def _without_backslashes(text: str) -> str:
    """Decodes escapes of JSON and of quoted texts once."""
    decoded = _BACKSLASHED.sub(_unescaped, text)
    if _SURROGATES.search(decoded):
        # JSON writes a character above U+FFFF as two surrogates.
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
    """Decodes addresses and forms once, except for the plus sign."""
    return _PERCENT.sub(lambda found: bytes.fromhex(found.group().replace("%", "")).decode("utf-8", "replace"), text)


_DECODERS: tuple[t.Callable[[str], str], ...] = (_without_references, _without_backslashes, _without_percents)
_MOST_ROUNDS = 5


def _decoded(text: str) -> tuple[list[str], bool]:
    """`text`, each stage of decoding it, and whether the last stage is plain, so that decoding does not change it.

    All stages except `text` itself are without blanks, so that a line break cannot split an escape.
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
    """`text` for a comparison: without case, blanks and invisible characters, and with decomposed letters.

    A form writes a blank as a plus sign, so the plus sign counts as a blank.
    """
    return "".join(map(_folded_character, text))


@functools.lru_cache(maxsize=4096)
def _folded_character(character: str) -> str:
    """Folds one character at a time: normalizing the accents of a whole text takes quadratic time."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(one for one in apart if not (one.isspace() or one == "+" or is_unseen(one)))


class _Beginnings:
    """Finds all beginnings of some texts in another text, in one pass and in linear time.

    This is the Aho-Corasick automaton. A number stands for a beginning; 0 is the empty one. `by_length` has the shorter
    beginnings before the longer ones.
    """

    def __init__(self, texts: t.Collection[str]) -> None:
        self._longer: list[dict[str, int]] = [{}]
        for text in texts:
            self._add(text)
        # For each beginning, the longest other beginning of any text that it ends with.
        self.ends_with = [0] * len(self._longer)
        self.by_length: list[int] = []
        of_one_length = [0]
        while of_one_length:
            self.by_length += of_one_length
            of_one_length = [longer for beginning in of_one_length for longer in self._linked(beginning)]

    def of(self, text: str) -> list[int]:
        """The beginnings of one of the texts, the shortest first."""
        found = [0]
        for character in text:
            found.append(self._longer[found[-1]][character])
        return found[1:]

    def within(self, text: str) -> t.Iterator[int]:
        """For each place in any `text`, the longest beginning that ends there."""
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
        """Sets `ends_with` of the beginnings that are longer by one character, and returns them."""
        longer = self._longer[beginning]
        if beginning:
            for character, number in longer.items():
                self.ends_with[number] = self._after(self.ends_with[beginning], character)
        return longer.values()

    def _after(self, beginning: int, character: str) -> int:
        """The longest beginning that ends with `character`. `beginning`: the longest one before that character."""
        while beginning and character not in self._longer[beginning]:
            beginning = self.ends_with[beginning]
        return self._longer[beginning].get(character, 0)


# Redacting

# In characters: the part of a message that is searched and shown, and of a secret that is searched for.
_LONGEST_MESSAGE = 4096
# A server may quote the first characters of a secret. Shorter beginnings also occur in ordinary words.
_TELLING = 8


class Redactor:
    """Keeps secrets out of the messages of a server, in whatever way the server escapes them.

    Ansible itself masks the values of `no_log` options in results, but only in their plain spelling.

    The redactor decodes a message until it no longer changes. It hides the message if any stage holds a secret or the
    first 8 characters of one. `names`: the names of the account and of the customer. A part that a secret shares with a
    name does not count: otherwise a password that begins with the username would hide each message that names the
    customer. A whole secret always counts, even if it equals the name.

    It finds, in any nesting: references of HTML and XML, percent-encoding, escapes of JSON. It also finds a secret in
    capitals, over several lines, without the blanks at its ends, and with composed or decomposed letters. It does not
    find base64 or text that was decoded with a wrong encoding. It cannot find a secret that consists of blanks.
    """

    def __init__(self, secrets: t.Iterable[str | None], names: t.Iterable[str | None] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._names = [name for name in names if name]

    def add(self, secret: str) -> None:
        """Keeps out one more secret from now on."""
        self._secrets.append(secret)
        self.__dict__.pop("_search", None)

    def __call__(self, message: str) -> str:
        """The first 4096 characters of `message`, or a text that says why it is not shown."""
        message = message[:_LONGEST_MESSAGE]
        if not self._secrets:
            return message
        stages, is_plain = _decoded(message)
        if not is_plain:
            return IS_ESCAPED_TOO_OFTEN
        return REPEATS_A_SECRET if any(map(self._search.finds, map(_folded, stages))) else message

    @functools.cached_property
    def _search(self) -> _Search:
        """Built on first use: most tasks show no text of a server."""
        secrets = {_folded(form): _fewest(form) for form in _forms(self._secrets)}
        return _Search(secrets, {_folded(form) for form in _forms(self._names)})


def _forms(texts: t.Iterable[str]) -> list[str]:
    """Each of `texts` at each stage of decoding, from the last stage to the text itself.

    A secret may itself hold an escape. If the server escapes it in another way, no stage of the message has its plain
    spelling.
    """
    return [form for text in texts for form in reversed(_decoded(replace_surrogates(text[:_LONGEST_MESSAGE]))[0])]


def _fewest(secret: str) -> int:
    """The number of folded characters for the first 8 of a secret. Blanks count, except those around it."""
    return len(_folded(secret.strip()[:_TELLING])) or _TELLING


class _Search:
    """Searches for `secrets`: folded -> the shortest beginning that counts. Parts of folded `names` do not count."""

    def __init__(self, secrets: t.Mapping[str, int], names: t.Iterable[str]) -> None:
        self._beginnings = _Beginnings(secrets)
        in_names = self._within_any(names)
        self._found = {self._telling(secret, fewest, in_names) for secret, fewest in secrets.items() if secret}
        for beginning in self._beginnings.by_length:
            if self._beginnings.ends_with[beginning] in self._found:
                self._found.add(beginning)

    def finds(self, text: str) -> bool:
        """Whether the folded `text` holds a secret or a long enough beginning of one."""
        return any(beginning in self._found for beginning in self._beginnings.within(text))

    def _within_any(self, names: t.Iterable[str]) -> set[int]:
        within = {beginning for name in names for beginning in self._beginnings.within(name)}
        for beginning in reversed(self._beginnings.by_length):
            if beginning in within:
                within.add(self._beginnings.ends_with[beginning])
        return within

    def _telling(self, secret: str, fewest: int, in_names: t.Container[int]) -> int:
        """The beginning of a secret that no text may hold: all of it if it is short or part of a name."""
        beginnings = self._beginnings.of(secret)
        shortest = fewest - 1
        return next((one for one in beginnings[shortest:] if one not in in_names), beginnings[-1])


# The first messages are shown and the rest only counted, so that a server cannot fill the screen or use much CPU time.
_MOST_MESSAGES = 20


def server_said(messages: t.Sequence[str], left_out: int, redact: Redactor) -> tuple[list[str], str]:
    """The first messages of a server without secrets, as a list and as part of a sentence.

    `left_out`: the number of messages in addition to `messages`.
    """
    told = [redact(message) for message in messages[:_MOST_MESSAGES]]
    quoted = [_quoted(message) for message in told]
    more = and_more(len(messages) + left_out - len(told), "more messages")
    return told, "; ".join([*quoted, *more]) or "an error without a message"


def _quoted(message: str) -> str:
    """The server's words in quotes. A text that replaces them gets no quotes."""
    return message if message in (REPEATS_A_SECRET, IS_ESCAPED_TOO_OFTEN) else f"'{escape_control(message)}'"
