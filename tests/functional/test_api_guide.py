# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guide to both APIs says of attributes, options and calls is what the tables of the APIs say."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES, capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import BY_NAME
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api import CALLS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.checks import LONGEST_PASSWORD, SHORTEST_PASSWORD
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.lists import PAGE

from .test_tables import GUIDES, code, rst_table

GUIDE = "api_v2_and_v3.rst"
API_V2, API_V3 = CHOICES[:2], CHOICES[2:]

# By how the value becomes known.
WORDS = {
    "list": "compared with the list",
    "details": "compared after a further read",
    "compared": "asked for by a further read",
    "sometimes": "compared where the list shows it",
    "never": "sent, never compared",
}
CREATION_ONLY = "on creation only"
FIXED = "compared with the list, cannot be changed"
NOT_THERE = "not there"


def rests_on(choices: tuple[str, ...], name: str) -> str:
    """What an API does with an attribute, and with which choices of `api`, if not with all of them."""
    known = {choice: capabilities(choice).attributes[name] for choice in choices if name not in missing(choice)}
    if not known:
        return NOT_THERE
    [words] = {
        FIXED if one.fixed else CREATION_ONLY if one.written_by is None else WORDS[one.seen] for one in known.values()
    }
    return words if len(known) == len(choices) else f"{words}, with {codes(known)}"


def missing(choice: str) -> set[str]:
    return BY_NAME.keys() - capabilities(choice).attributes.keys()


def needed_with(name: str) -> str:
    """The choices of `api` with which creation demands an attribute."""
    known = {choice: capabilities(choice).attributes.get(name) for choice in CHOICES}
    return codes(choice for choice, one in known.items() if one is not None and one.needed) or "no API"


def codes(names: Iterable[str]) -> str:
    return ", ".join(f"``{name}``" for name in names)


def test_what_each_api_does_with_an_attribute() -> None:
    rows = rst_table(GUIDE, "Attribute of a customer")
    told = [(name, cells) for names, *cells in rows for name in code(names)]
    assert told == [(name, [rests_on(API_V2, name), rests_on(API_V3, name), needed_with(name)]) for name in BY_NAME]


def test_each_phrase_of_the_table_is_explained() -> None:
    text = (GUIDES / GUIDE).read_text(encoding="utf-8")
    assert [
        words for words in (*WORDS.values(), CREATION_ONLY, FIXED, NOT_THERE) if f"\n\n{words}\n    " not in text
    ] == []


def test_what_an_api_cannot_do_is_told() -> None:
    told = {name for row in rst_table(GUIDE, "Not with API v3") for name in code(row[0])}
    for choice in API_V3:
        can = capabilities(choice)
        unable = {*can.missing, *(f"update_{name}: always" for name in can.never_updated)}
        # Those are no attributes.
        assert told - {"reseller_customer_password", "reset_password", "api_format: xml"} == unable


def test_the_calls_and_their_scopes() -> None:
    rows = [[*map(code, row[:3]), row[3]] for row in rst_table(GUIDE, "Operation")]
    assert rows == [
        [[name], [f"{call.method} {call.route}"], [call.scope], "yes" if call.on_behalf else "no"]
        for name, call in CALLS.items()
    ]


def test_the_numbers() -> None:
    text = " ".join((GUIDES / GUIDE).read_text(encoding="utf-8").split())
    for choice in API_V3:
        assert f"for {capabilities(choice).longest_settling:g} seconds at most" in text
    assert f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters" in text
    assert f"pages of {PAGE} customers" in text
