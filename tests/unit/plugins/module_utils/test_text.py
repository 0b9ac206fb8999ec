# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text: what both formats carry, what a terminal is shown, and secrets that leave no trace."""

from __future__ import annotations

import base64
import html
import json
import re
import sys
import unicodedata
from functools import reduce
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _text
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import (
    IS_ESCAPED_TOO_OFTEN,
    REPEATS_A_SECRET,
    Redactor,
    and_more,
    escape_control,
    is_transmittable,
    replace_surrogates,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import xml_text
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.strategies import XML_CHARACTERS, XML_TEXTS
from hypothesis import assume, example, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text", ["", " ", "\t\n\r", "plain", "ä😀", "&<>\"'", "\u00a0", "\ud7ff\ue000\ufffd\U0010ffff"]
)
def test_text_that_xml_can_hold_is_carried(text):
    assert is_transmittable(text)


@pytest.mark.parametrize("sign", ["\x00", "\x08", "\x0b", "\x0c", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"])
def test_text_that_xml_cannot_hold_is_not_carried(sign):
    assert not is_transmittable(f"a{sign}b")


@given(XML_TEXTS)
def test_carried_text_survives_xml(text):
    assert is_transmittable(text)
    parsed = ElementTree.fromstring(f"<a>{xml_text(text)}</a>".encode())
    assert (parsed.text or "") == text


@given(st.text(st.characters(exclude_categories=[])))
def test_text_that_an_xml_parser_refuses_is_not_carried(text):
    try:
        ElementTree.fromstring(f"<a>{xml_text(text)}</a>".encode())
    except (ElementTree.ParseError, UnicodeEncodeError):
        assert not is_transmittable(text)
    else:
        assert is_transmittable(text)


@pytest.mark.parametrize(
    "sign",
    [
        "\x00",
        "\x07",
        "\x1b",
        "\x7f",
        "\x9b",
        "\n",
        "\r",
        "\u200b",
        "\u200f",
        "\u2028",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\ud800",
        "\x85",
        "\u00ad",
        "\u061c",
        "\u180e",
        "\ufe0f",
        "\U000e0001",
        "\U000e0041",
        "\U000e0100",
    ],
)
def test_signs_that_a_terminal_would_obey_are_made_visible(sign):
    text = escape_control(f"a{sign}b")
    assert sign not in text
    assert text.startswith("a\\") and text.endswith("b")


# Of Unicode's Default_Ignorable_Code_Point: what is in none of the categories below, and no Python knows by itself.
IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_of_all_characters_those_that_a_terminal_may_obey_or_nobody_sees_are_made_visible():
    """The categories of this Python; a later Unicode may put more into Cf, and this test says so."""
    for sign in map(chr, range(sys.maxunicode + 1)):
        told, category = escape_control(sign), unicodedata.category(sign)
        if category in UNSEEN or IGNORABLE.match(sign) or sign in "\ufffe\uffff":
            assert told != sign and told.isascii(), hex(ord(sign))
        # What has no category here may have Cf in a later Unicode than this Python's.
        elif category != "Cn":
            assert told == sign, hex(ord(sign))


@pytest.mark.parametrize("text", ["", "Jürgen & Söhne <x>", "日本😀"])
def test_harmless_text_is_shown_as_it_is(text):
    assert escape_control(text) == text


@pytest.mark.parametrize(
    ("count", "told"), [(-1, "a; b"), (0, "a; b"), (1, "a; b; and 1 more"), (5, "a; b; and 5 more")]
)
def test_how_many_more_there_are_is_told_if_there_are_any(count, told):
    assert "; ".join(["a", "b", *and_more(count)]) == told
    assert and_more(2, "more like it") == ["and 2 more like it"]


@pytest.mark.parametrize(("length", "cut"), [(9, False), (10, False), (11, True), (500, True)])
def test_shown_text_has_a_longest_length(length, cut):
    text = escape_control("x" * length, 10)
    assert len(text) <= 10
    assert (text == "x" * length) is not cut


@given(st.text(st.characters(exclude_categories=[])))
def test_shown_text_can_be_written_and_has_no_controls(text):
    assert all(ord(sign) >= 32 and not 0x7F <= ord(sign) <= 0x9F for sign in escape_control(text))
    escape_control(text).encode("utf-8")


@given(st.text(st.characters(exclude_categories=[])))
def test_whole_text_can_be_written(text):
    assert len(replace_surrogates(text)) == len(text)
    replace_surrogates(text).encode("utf-8")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_without_surrogates_is_whole_already(text):
    assert replace_surrogates(text) == text


# Secrets in messages of a server


SECRET = 'päss/w&rd <"it\'s"> 100%+x\\y'
SPELLINGS = {
    "plain": SECRET,
    "percent": quote(SECRET, safe=""),
    "percent with slashes": quote(SECRET),
    "form": quote_plus(SECRET),
    "percent in lower case": "".join(
        sign if sign.isascii() and sign.isalnum() else "".join(f"%{byte:02x}" for byte in sign.encode())
        for sign in SECRET
    ),
    "HTML": html.escape(SECRET),
    "HTML with quotes": html.escape(SECRET, quote=False),
    "HTML of PHP": html.escape(SECRET).replace("&#x27;", "&#039;"),
    "HTML by names": html.escape(SECRET).replace("ä", "&auml;"),
    "HTML by numbers": "".join(f"&#{ord(sign)};" for sign in SECRET),
    "HTML by numbers of hexadecimal digits": "".join(f"&#X000{ord(sign):X};" for sign in SECRET),
    "XML": html.escape(SECRET).replace("&#x27;", "&apos;"),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON of PHP": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "JSON without escapes": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "JSON of PHP without escapes": json.dumps(SECRET, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "JSON by numbers": "".join(f"\\u{ord(sign):04x}" for sign in SECRET),
    "Python": ascii(SECRET)[1:-1],
    "HTML in HTML": html.escape(html.escape(SECRET)),
    "URL in URL": quote(quote(SECRET, safe=""), safe=""),
    "HTML in URL": quote_plus(html.escape(SECRET)),
    "URL in HTML": html.escape(quote(SECRET)),
    "JSON in JSON": json.dumps(json.dumps(SECRET))[3:-3],
    "JSON in HTML in URL": quote_plus(html.escape(json.dumps(SECRET)[1:-1])),
    "URL five times": reduce(lambda text, _round: quote(text, safe=""), range(5), SECRET),
    "capitals": SECRET.upper(),
    "capitals of HTML": html.escape(SECRET).replace("&#x27;", "&apos;").upper(),
    "capitals of JSON": json.dumps(SECRET)[1:-1].upper(),
    "decomposed": unicodedata.normalize("NFD", SECRET),
    "composed": unicodedata.normalize("NFC", SECRET),
    "of full width": SECRET.translate({number: number + 0xFEE0 for number in range(0x21, 0x7F)}),
    "in lines": "\n".join(SECRET[place : place + 7] for place in range(0, len(SECRET), 7)),
    "with soft hyphens": "\u00ad".join(SECRET),
    "cut": SECRET[:8],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_message_that_holds_a_spelling_of_a_secret_is_hidden(spelling):
    assert Redactor(["another", SECRET])(f"The server said: '{SPELLINGS[spelling]}'.") == REPEATS_A_SECRET
    assert Redactor(["another"])(f"The server said: '{SPELLINGS[spelling]}'.").startswith("The server said: ")


@pytest.mark.parametrize(
    "told",
    [
        base64.b64encode(SECRET.encode()).decode(),
        "pässword-4711".encode().decode("latin-1"),
        quote("pässword-4711", encoding="latin-1"),
        "4711",
    ],
    ids=["base64", "mojibake", "Latin-1", "end"],
)
def test_what_passes(told):
    """The guide about passwords says so."""
    message = f"The server said: {told}"
    assert Redactor([SECRET, "pässword-4711"])(message) == message


def test_a_secret_with_control_characters_is_found_after_it_was_made_visible():
    secret = "top\x1bsecret\u202e"
    assert Redactor([secret])(escape_control(f"<{secret}>")) == REPEATS_A_SECRET


@pytest.mark.parametrize("secrets", [[], [None], [""], [None, ""], ["  \t "], ["+ +"], ["\u200b" * 9]])
def test_without_secrets_text_stays(secrets):
    """A blank secret is not a secret, because it cannot be seen."""
    for text in ("", "text with nothing", "%20 +\t" * 9):
        assert Redactor(secrets)(text) == text


@pytest.mark.parametrize(
    ("secret", "message", "hidden"),
    [
        ("hunter2", "The password hunter2 is too short", True),
        ("hunter2", "The password hunter is too short", False),
        ("hunter2-hunter3", "No password may begin with hunter2-", True),
        ("hunter2-hunter3", "No password may begin with hunter2", False),
        # A run of 8 with its blanks: no less may be told of a passphrase than of a password.
        ("hunter two is long", "'hunter t'", True),
        ("hunter two is long", "'hunter'", False),
        ("hunter2 ", "The password 'hunter2' is wrong", True),
        (" hunter2-hunter3 ", "No password may begin with hunter2-", True),
        ("e", "There is no such customer", True),
        ("e", "Aha", False),
    ],
)
def test_how_much_of_a_secret_is_one(secret, message, hidden):
    assert Redactor([secret])(message) == (REPEATS_A_SECRET if hidden else message)


NAME = "ada@example.com"


@pytest.mark.parametrize(
    ("secret", "message", "hidden"),
    [
        (NAME + "-4711", f"The customer {NAME} is locked", False),
        (NAME + "-4711", f"The customer {html.escape(quote(NAME))} is locked", False),
        (NAME + "-4711", f"The password {NAME}- is too simple", True),
        (NAME + "-4711", f"The password {quote(NAME)}-4711 is too simple", True),
        # The common part of a secret and a name, at any place in the name.
        ("ada@example.net", f"The customer {NAME} is locked", False),
        ("ada@example.net", "The password ada@example.n is too simple", True),
        ("example.com-4711", f"The customer {NAME} is locked", False),
        ("EXAMPLE.COM-4711", f"The customer {NAME} is locked", False),
        ("example.com-4711", "The password example.com-4 is too simple", True),
        # Ansible masks it wherever it stands, and so the message does not show where that is.
        (NAME, f"The customer {NAME} is locked", True),
        ("example", f"The customer {NAME} is locked", True),
        (NAME, "A customer is locked", False),
    ],
)
def test_what_a_secret_and_a_name_have_in_common_is_none(secret, message, hidden):
    assert Redactor([secret], ["acme", NAME])(message) == (REPEATS_A_SECRET if hidden else message)
    if not hidden and "customer " + NAME in message:
        assert Redactor([secret], ["acme", None, ""])(message) == REPEATS_A_SECRET


def test_a_name_with_an_escape_in_it():
    name = "a%41&amp;b-and-sons"
    redact = Redactor([name + "-4711"], [name])
    for told in (name, html.escape(name), quote(name), quote(html.escape(name))):
        message = f"The customer '{told}' is locked"
        assert redact(message) == message
        assert redact(f"The password '{told}-4' is too simple") == REPEATS_A_SECRET


@pytest.mark.parametrize("length", [4095, 4096, 4097, 1_000_000])
def test_a_message_is_cut_before_it_is_looked_at(length):
    text = "x" * length
    assert Redactor(["canary-4711"])(text) == text[:4096]
    assert Redactor([])(text) == text[:4096]


@pytest.mark.parametrize("secret", ["canary-4711" * 3, "canary-4711" * 3000])
@pytest.mark.parametrize("left", [8, 9, 30])
def test_a_secret_that_the_cut_goes_through_is_found(secret, left):
    message = " " * (4096 - left) + secret
    assert Redactor([secret])(message) == REPEATS_A_SECRET
    assert Redactor([secret])(message[left:] + secret) == REPEATS_A_SECRET


@pytest.mark.parametrize(
    ("once_more", "rounds"),
    [
        (lambda text: quote(text, safe=""), 5),
        (html.escape, 5),
        (lambda text: json.dumps(text)[1:-1], 5),
    ],
)
def test_a_message_that_is_escaped_too_many_times_is_hidden(once_more, rounds):
    text = '&"é '
    for _round in range(rounds):
        text = once_more(text)
    redact = Redactor(["canary-4711"])
    assert redact(text) == text
    assert redact(once_more(text)) == IS_ESCAPED_TOO_OFTEN
    assert redact("\\" * 4096) == IS_ESCAPED_TOO_OFTEN


@pytest.mark.parametrize("told", ["X&APOS;&QUOT;Y&AMP;", "X\\U0027\\X22Y&", "X%27%22Y%26"])
def test_escapes_in_capitals(told):
    assert Redactor(["x'\"y&"])(told) == REPEATS_A_SECRET


FEW_LETTERS = st.text("ab", min_size=1, max_size=14)


@example(["abbaab", "bba"], [], "abba")
@example(["abbbbbbbbbaa", "bbbbbbbbbabb"], ["abbbbbbbbba"], "bbbbbbbbba")
@given(st.lists(FEW_LETTERS, min_size=1, max_size=4), st.lists(FEW_LETTERS, max_size=2), st.text("ab", max_size=40))
def test_what_is_found_is_what_a_plain_search_finds(secrets, names, text):
    """Beginnings that overlap, and secrets within others."""
    expected = False
    for secret in secrets:
        known = max(
            length for length in range(len(secret) + 1) if any(secret[:length] in name for name in ["", *names])
        )
        expected = expected or secret[: max(8, known + 1)] in text
    assert Redactor(secrets, names)(text) == (REPEATS_A_SECRET if expected else text)


ESCAPES = [
    html.escape,
    lambda text: html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
    lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    quote_plus,
    quote,
    lambda text: quote(text, safe=""),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    str.upper,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: "\r\n".join(text[place : place + 5] for place in range(0, len(text), 5)),
    str.strip,
]
# What looks escaped already, and what escaping changes.
PIECES = st.sampled_from(
    [
        *"abz19%&;\\\"'+ n</é",
        "%41",
        "%25",
        "&amp;",
        "&lt;",
        "&#65;",
        "&amp",
        "\\n",
        "\\\\",
        "\\u0041",
        "u0041",
        "ß",
        "😀",
    ]
)


@given(
    st.lists(PIECES, min_size=6, max_size=20).map("".join), st.lists(st.sampled_from(ESCAPES), max_size=4), XML_TEXTS
)
def test_no_nesting_of_escapes_brings_a_secret_through(secret, escapes, around):
    assume(_text._folded(secret))
    told = reduce(lambda text, escape: escape(text), escapes, secret)
    assert Redactor([secret])(f"{around} '{told}' {around}") in (REPEATS_A_SECRET, IS_ESCAPED_TOO_OFTEN)


@given(st.text(XML_CHARACTERS, min_size=6, max_size=20), XML_TEXTS)
def test_no_secret_remains_in_any_text(secret, around):
    text = Redactor([secret])(around + "\x00" + secret + "\x00" + around)
    assert "\x00" + secret + "\x00" not in text


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD", str.upper, str.lower, str.casefold])
def test_each_letter_is_found_in_capitals_composed_and_decomposed(form):
    change = form if callable(form) else lambda text: unicodedata.normalize(form, text)
    changed = [(sign, change(sign)) for sign in map(chr, range(sys.maxunicode + 1)) if change(sign) != sign]
    assert len(changed) > 900
    missed = [sign for sign, other in changed if _text._folded(other) != _text._folded(sign)]
    # Its capital is the one of the letter with a dot, and no other language's letters can be both.
    assert missed == (["\u0131"] if form is str.upper else [])


# The work of redacting


def steps(secrets, text, names=()):
    """How many lines of the file run for one message. What runs within the interpreter is linear for any text:
    regular expressions without a choice to come back to, joined texts."""
    _text._folded_character.cache_clear()
    count = 0

    def trace(frame, event, _argument):
        nonlocal count
        if frame.f_code.co_filename != _text.__file__:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        Redactor(secrets, names)(text)
    finally:
        sys.settrace(before)
    return count


# secrets and text of about `size` characters
ADVERSARIES = {
    "a long common beginning": lambda size: (["a" * size + "b"], ("a" * (size - 1) + "c") * 2),
    "the first characters of a key": lambda size: (["SG." + "k" * size], "SG." + "k" * 32),
    "a period": lambda size: (["ab" * (size // 2) + "c"], "ab" * size),
    "a period with an error in it": lambda size: (["aab" * (size // 3) + "aac"], ("aab" * 9 + "aaa") * (size // 30)),
    "Fibonacci": lambda size: ([fibonacci(size) + "c"], fibonacci(2 * size)),
    "a tower of backslashes": lambda size: (["\\" * size], "\\" * size),
    "a tower of backslashes and a letter": lambda size: (["\\" * size + "n"], "\\" * size + "x"),
    "ampersands": lambda size: (["&" * size], "&#" * size),
    "references without an end": lambda size: (["&#1" * size], "&#11111111" * (size // 10) + "&amp" * size),
    "percents": lambda size: (["%25" * (size // 3)], "%" + "25" * size),
    "many secrets": lambda size: ([f"{number:03}" * 3 + "a" * 20 for number in range(size // 29)], "a" * size),
    "many secrets that begin alike": lambda size: (["a" * 20 + str(number) for number in range(size // 20)], "a" * 20),
    "marks": lambda size: (["a" + "\u0301\u0323" * (size // 2)], "a" + "\u0323\u0301" * (size // 2) + "b"),
    "long letters": lambda size: (["\ufdfa" * (size // 8)], "\ufdfa" * (size // 9)),
}


def fibonacci(length):
    """The text on which a search that goes back goes back most."""
    former, latter = "a", "ab"
    while len(latter) < length:
        former, latter = latter, latter + former
    return latter[:length]


@pytest.mark.parametrize("case", ADVERSARIES)
def test_the_work_grows_with_the_text_and_the_secrets_alone(case):
    small, large = (steps(*ADVERSARIES[case](size)) for size in (500, 1000))
    assert large < 2.3 * small + 500
    # The most that any text and secret of that length ask for.
    assert large < 250_000


@given(
    st.lists(st.tuples(PIECES, st.integers(1, 60)).map(lambda part: part[0] * part[1]), max_size=6).map("".join),
    st.lists(st.tuples(PIECES, st.integers(1, 60)).map(lambda part: part[0] * part[1]), max_size=6).map("".join),
    st.integers(0, 300),
)
def test_the_work_is_bounded_for_any_pair(secret, text, common):
    """A text that begins like the secret, any secret."""
    text = secret[:common] + text
    # 16 stages of each; for each character of a stage some lines to fold it and some to compare it.
    assert steps([secret], text, [text]) <= 3000 + 16 * 60 * (len(secret) + len(text) + 40)


def test_what_is_beyond_the_cut_costs_nothing():
    for secret, text in (("a" * 4096, "a" * 4096), ("\\" * 4096, "\\" * 4096)):
        assert steps([secret], text) == steps([secret + "a" * 100_000], text + "a" * 100_000)


def test_a_session_without_a_message_costs_nothing(monkeypatch):
    monkeypatch.setattr(_text, "_decoded", None)
    Redactor([SECRET, "x" * 10_000_000], [NAME])
