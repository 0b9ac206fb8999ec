# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated values that several test files draw from."""

from __future__ import annotations

from hypothesis import strategies as st

# What XML 1.0 calls a Char (https://www.w3.org/TR/xml/#charsets), by its ranges.
XML_CHARACTERS = st.one_of(
    st.sampled_from("&<>\"'/\\ \t\n\r"),
    st.sampled_from("äßİıſ€日本😀\u00a0\u0085\u2028]"),
    st.characters(min_codepoint=0x20, max_codepoint=0x7E),
    st.characters(min_codepoint=0x20, max_codepoint=0xD7FF),
    st.characters(min_codepoint=0xE000, max_codepoint=0xFFFD),
    st.characters(min_codepoint=0x10000, max_codepoint=0x10FFFF),
)
XML_TEXTS = st.text(XML_CHARACTERS, max_size=12)
