# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Similar names, and invisible characters."""

from __future__ import annotations

import unicodedata

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers import names as _names
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import (
    difference,
    escape_hidden,
    has_hidden,
    hidden_problems,
    name_key,
)
from hypothesis import given
from hypothesis import strategies as st

ADA = "ada@example.com"

# Of each kind: a control, a format, a surrogate, the separators, fillers, a joiner, variation selectors, tags, what
# Unicode reserves to be ignored, what is drawn as nothing, no characters, and formats that older Pythons do not know.
INVISIBLE = (
    "\x00\t\n\r\x1f\x7f\x85\u00ad\u061c\u200b\u200c\u200d\u200e\u202e\u2060\u2066\ufeff\ufff9\U000e0001\U000e0041"
    "\ud800\udfff\u2028\u2029\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u180b\u180e\u180f\ufe00\ufe0f\U000e0100"
    "\u2065\ufff0\U000e0fff\ufffc\U0001d159\ufffe\uffff\u0890\U0001343f"
)
BLANKS = " \u00a0\u1680\u2000\u2009\u200a\u202f\u205f\u3000"

ALIKE = [
    ("Ada@Example.com", ADA),
    (f" {ADA}", ADA),
    (f"{ADA}\u00a0", ADA),
    (f"\ufeff{ADA}\u3000\t", ADA),
    (f"{ADA} \u200b", ADA),
    ("zo\u00eb@example.com", "zoe\u0308@example.com"),
    # An invisible character between a letter and its mark keeps them from composing.
    ("zo\u00eb@example.com", "zoe\u034f\u0308@example.com"),
    ("ZO\u00cb", "zo\u00eb"),
    ("\uff41\uff44\uff41\uff20example.com", ADA),
    ("o\ufb03ce", "office"),
    ("\uff76\uff9e", "\u30ac"),
    ("\ud55c", "\u1112\u1161\u11ab"),
    # Only the small letter has a composed form.
    ("J\u030cs", "\u01f0s"),
    # A capital sigma stands for both small ones, independent of its place in the word.
    ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"),
    ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"),
    # The simple lower case of a capital I with a dot is i, one character.
    ("\u0130pek", "ipek"),
    ("I\u0307pek", "ipek"),
    ("a\u00a0b", "a b"),
    ("\u212bngstr\u00f6m", "\u00e5ngstr\u00f6m"),
]
NOT_ALIKE = [
    ("stra\u00dfe", "strasse"),
    ("STRA\u1e9eE", "STRASSE"),
    ("\u0131", "i"),
    ("zoe", "zo\u00eb"),
    ("a b", "ab"),
    ("ada@example.com", "ada@example.org"),
    # Letters of another script are other letters.
    ("\u0430da", "ada"),
    ("l", "1"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_look_alike(one, other):
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), NOT_ALIKE)
def test_names_that_do_not(one, other):
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("sign", INVISIBLE, ids=lambda sign: f"U+{ord(sign):04X}")
def test_an_invisible_character_is_told_of_wherever_it_is_and_does_not_count(sign):
    for text in (f"{sign}{ADA}", f"ad{sign}a@example.com", f"{ADA}{sign}"):
        assert has_hidden(text)
        assert name_key(text) == name_key(ADA)
        [problem] = hidden_problems("username", text)
        assert f"U+{ord(sign):04X}" in problem
        assert sign not in problem
        assert f"<U+{ord(sign):04X}>" in escape_hidden(text) and sign not in escape_hidden(text)


@pytest.mark.parametrize("sign", BLANKS, ids=lambda sign: f"U+{ord(sign):04X}")
def test_a_blank_is_told_of_at_the_ends(sign):
    for text, place in ((f"{sign}{ADA}", "at the beginning"), (f"{ADA}{sign}{sign}", "at the end")):
        assert name_key(text) == name_key(ADA)
        [problem] = hidden_problems("email", text)
        assert problem.startswith("email '") and f"U+{ord(sign):04X} {unicodedata.name(sign)} {place}" in problem
    assert hidden_problems("username", f"ada{sign}lovelace") == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a\u200bda", "U+200B ZERO WIDTH SPACE at position 2"),
        ("ada \u200b", "U+0020 SPACE at the end, U+200B ZERO WIDTH SPACE at the end"),
        ("\ufeff ada", "U+FEFF ZERO WIDTH NO-BREAK SPACE at the beginning, U+0020 SPACE at the beginning"),
        ("ada\r\n", "U+000D CARRIAGE RETURN at the end, U+000A LINE FEED at the end"),
        ("   ada   ", "U+0020 SPACE at the beginning, U+0020 SPACE at the beginning, U+0020 SPACE at the beginning, "
                      "3 more"),
        (" ", "U+0020 SPACE and nothing else"),
    ],
)  # fmt: skip
def test_where_it_is(text, places):
    assert hidden_problems("username", text) == [
        f"username '{escape_hidden(text)}' holds characters that nobody sees: {places}"
    ]


@pytest.mark.parametrize(
    "text", [ADA, "", "zo\u00eb@ex\u00e4mple.com", "ada lovelace", "\u5c71\u7530@example.jp", "\u03c2"]
)
def test_what_is_seen_is_no_problem(text):
    assert hidden_problems("username", text) == []
    assert not has_hidden(text)
    assert escape_hidden(text) == text


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("ADA", "ada", "differs only by case"),
        ("ada ", "ada", "differs only by blanks or invisible characters"),
        ("a\u200bda", "ada", "differs only by blanks or invisible characters"),
        ("zoe\u0308", "zo\u00eb", "differs only by composed and decomposed letters"),
        ("\uff41da", "ada", "differs only by the width or the form of its characters"),
        ("Ada ", "ada", "only looks alike"),
    ],
)
def test_in_what_they_differ(one, other, told):
    assert difference(one, other) == told


@given(st.text(st.characters(), max_size=8))
def test_a_key_is_its_own_key_and_that_of_each_form(text):
    key = name_key(text)
    assert name_key(key) == key
    assert {name_key(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")} == {key}
    assert name_key(f" \ufeff{text}\u3000") == key
    assert not has_hidden(key)


@given(st.text(st.characters(max_codepoint=0x7F), max_size=8))
def test_plain_names_take_a_short_way_to_the_same(text):
    short = name_key(text), has_hidden(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_names, "_is_plain", lambda _text: False)
        assert (name_key(text), has_hidden(text)) == short
