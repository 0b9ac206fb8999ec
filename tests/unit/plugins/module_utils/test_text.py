# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text: what both formats carry, what a terminal is shown, and secrets that leave no trace."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import Redactor, is_carried, shown, whole
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import xml_text
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.strategies import XML_CHARACTERS, XML_TEXTS
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text", ["", " ", "\t\n\r", "plain", "ä😀", "&<>\"'", "\u00a0", "\ud7ff\ue000\ufffd\U0010ffff"]
)
def test_text_that_xml_can_hold_is_carried(text):
    assert is_carried(text)


@pytest.mark.parametrize("sign", ["\x00", "\x08", "\x0b", "\x0c", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"])
def test_text_that_xml_cannot_hold_is_not_carried(sign):
    assert not is_carried(f"a{sign}b")


@given(XML_TEXTS)
def test_carried_text_survives_xml(text):
    assert is_carried(text)
    parsed = ElementTree.fromstring(f"<a>{xml_text(text)}</a>".encode())
    assert (parsed.text or "") == text


@given(st.text(st.characters(exclude_categories=[])))
def test_text_that_an_xml_parser_refuses_is_not_carried(text):
    try:
        ElementTree.fromstring(f"<a>{xml_text(text)}</a>".encode())
    except (ElementTree.ParseError, UnicodeEncodeError):
        assert not is_carried(text)
    else:
        assert is_carried(text)


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
    ],
)
def test_signs_that_a_terminal_would_obey_are_made_visible(sign):
    text = shown(f"a{sign}b")
    assert sign not in text
    assert text.startswith("a\\") and text.endswith("b")


@pytest.mark.parametrize("text", ["", "Jürgen & Söhne <x>", "日本😀"])
def test_harmless_text_is_shown_as_it_is(text):
    assert shown(text) == text


@pytest.mark.parametrize(("length", "cut"), [(9, False), (10, False), (11, True), (500, True)])
def test_shown_text_has_a_longest_length(length, cut):
    text = shown("x" * length, 10)
    assert len(text) <= 10
    assert (text == "x" * length) is not cut


@given(st.text(st.characters(exclude_categories=[])))
def test_shown_text_can_be_written_and_has_no_controls(text):
    assert all(ord(sign) >= 32 and not 0x7F <= ord(sign) <= 0x9F for sign in shown(text))
    shown(text).encode("utf-8")


@given(st.text(st.characters(exclude_categories=[])))
def test_whole_text_can_be_written(text):
    assert len(whole(text)) == len(text)
    whole(text).encode("utf-8")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_without_surrogates_is_whole_already(text):
    assert whole(text) == text


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
    "XML": html.escape(SECRET).replace("&#x27;", "&apos;"),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON of PHP": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "JSON without escapes": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "JSON of PHP without escapes": json.dumps(SECRET, ensure_ascii=False)[1:-1].replace("/", "\\/"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_secret_remains(spelling):
    text = Redactor([SECRET])(f"The server said: {SPELLINGS[spelling]}.")
    assert text == "The server said: ********."


def test_a_secret_with_control_characters_is_found_after_it_was_made_visible():
    secret = "top\x1bsecret\u202e"
    assert "secret" not in Redactor([secret])(shown(f"<{secret}>"))


def test_a_secret_within_another_leaves_no_rest():
    redact = Redactor(["hunter", "hunter2"])
    assert redact("hunter2 hunter") == "******** ********"


@pytest.mark.parametrize("secrets", [[], [None], [""], [None, ""]])
def test_without_secrets_text_stays(secrets):
    assert Redactor(secrets)("text with nothing") == "text with nothing"


@given(st.text(XML_CHARACTERS, min_size=6, max_size=20), XML_TEXTS)
def test_no_secret_remains_in_any_text(secret, around):
    text = Redactor([secret])(around + "\x00" + secret + "\x00" + around)
    assert "\x00" + secret + "\x00" not in text
