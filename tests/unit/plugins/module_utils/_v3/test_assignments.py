# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IP addresses and domains of an account, as a server may send them, and which of them a customer can have."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import (
    Address,
    Domain,
    addresses_of,
    blocked_by,
    choose,
    domains_of,
    foreign_problems,
    shown_domain,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import from_credits, shown_credits
from hypothesis import given
from hypothesis import strategies as st

ROW = {"id": "7", "domain": "a.example", "subdomain": "mail", "username": "acme", "user_id": "1", "valid": True}
MAIL = Domain("7", "a.example", "mail", "acme", "1", True)
NEWS = MAIL._replace(id="8", subdomain="news")
PLAIN = Domain("9", "b.example", "", "acme", "1", True)
OF_BEN = Domain("10", "ben.example", "em", "ben", "2", True)


def test_rows_of_addresses():
    rows = [{"ip": "192.0.2.1", "subusers": ["ann", "bob"], "pools": []}, {"ip": "192.0.2.2", "subusers": None}]
    assert addresses_of(rows) == [
        Address("192.0.2.1", frozenset(["ann", "bob"])),
        Address("192.0.2.2", frozenset()),
    ]


@pytest.mark.parametrize(
    "document", [None, {}, "x", ["x"], [{}], [{"ip": None}], [{"ip": ""}], [{"ip": "x", "subusers": "ann"}]]
)
def test_addresses_that_cannot_be_read(document):
    with pytest.raises(WireError) as caught:
        addresses_of(document)
    assert caught.value.readable is False


def test_rows_of_domains():
    assert domains_of([ROW]) == [MAIL]
    assert domains_of([{"id": "7", "domain": "a.example", "subdomain": None, "valid": "true"}]) == [
        Domain("7", "a.example", "", "", "", False)
    ]


@pytest.mark.parametrize("document", [None, {}, ["x"], [{}], [{**ROW, "id": None}], [{**ROW, "domain": ["a"]}]])
def test_domains_that_cannot_be_read(document):
    with pytest.raises(WireError) as caught:
        domains_of(document)
    assert caught.value.readable is False


@given(
    st.lists(st.dictionaries(st.sampled_from([*ROW, "ip", "subusers"]), st.none() | st.text() | st.lists(st.text())))
)
def test_any_list_is_read_or_refused(document):
    for read in (addresses_of, domains_of):
        try:
            found = read(document)
        except WireError:
            continue
        assert len(found) == len(document)


def test_a_name_means_a_domain_without_case():
    assert [MAIL.is_called(text) for text in ("a.example", "A.EXAMPLE", "mail.a.example", "x.a.example", "")] == [
        *(True, True, True),
        *(False, False),
    ]
    assert (MAIL.name, PLAIN.name) == ("mail.a.example", "b.example")


def chosen(text, *more, own=(MAIL, NEWS, PLAIN), customer="ann"):
    return choose(text, own, lambda: [*own, OF_BEN, *more], lambda domain: domain.owner == customer)


@pytest.mark.parametrize(
    ("text", "found"),
    [("b.example", PLAIN), ("News.A.example", NEWS), ("mail.a.example", MAIL)],
)
def test_the_domain_that_a_customer_can_have(text, found):
    assert chosen(text) == (found, "")


def test_a_customer_can_have_a_domain_of_its_own():
    assert chosen("ben.example", customer="ben") == (OF_BEN, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("c.example", "the account has no authenticated domain 'c.example'"),
        ("a.example", "several domains 'a.example' (mail.a.example, news.a.example)"),
        ("em.ben.example", "the domain 'em.ben.example' belongs to customer 'ben'"),
    ],
)
def test_the_domain_that_a_customer_cannot_have(text, words):
    domain, problem = chosen(text)
    assert domain is None and words in problem


def test_a_domain_that_is_not_validated():
    domain, problem = chosen("b.example", own=(PLAIN._replace(is_valid=False),))
    assert domain is None and "the domain 'b.example' is not validated" in problem


def test_what_is_shown_of_the_domains_of_a_customer():
    assert shown_domain(None, []) == shown_domain("b.example", []) == ""
    assert shown_domain(None, [MAIL, PLAIN]) == shown_domain("c.example", [MAIL, PLAIN]) == "mail.a.example"
    assert shown_domain("B.example", [MAIL, PLAIN]) == "B.example"


@pytest.mark.parametrize(
    ("wanted", "domains", "is_blocked"),
    [
        ("c.example", [MAIL, PLAIN], True),
        ("b.example", [MAIL, PLAIN], False),
        ("c.example", [MAIL], False),
        ("", [MAIL, PLAIN], False),
        (None, [MAIL, PLAIN], False),
    ],
)
def test_several_domains_are_in_the_way_of_another_one(wanted, domains, is_blocked):
    clause = blocked_by(wanted, domains)
    assert bool(clause) is is_blocked
    assert not is_blocked or "(b.example, mail.a.example)" in clause


def test_foreign_addresses():
    assert foreign_problems(["192.0.2.1"], {"192.0.2.1"}) == []
    assert foreign_problems(["192.0.2.1"], set()) == ["ips: 192.0.2.1 does not belong to the account"]
    assert foreign_problems(["192.0.2.1", "192.0.2.2"], ()) == [
        "ips: 192.0.2.1, 192.0.2.2 do not belong to the account"
    ]


@pytest.mark.parametrize(
    ("document", "credits"),
    [
        ({"type": "unlimited", "total": None}, {"type": "unlimited", "total": None, "reset_frequency": None}),
        (
            {"type": "recurring", "total": "5", "reset_frequency": "daily", "remain": "4", "used": "1"},
            {"type": "recurring", "total": 5, "reset_frequency": "daily"},
        ),
        # What some server shows beyond the description could not be fed back.
        (
            {"type": "nonrecurring", "total": "5", "reset_frequency": "daily"},
            {"type": "nonrecurring", "total": None, "reset_frequency": None},
        ),
    ],
)
def test_credits(document, credits):
    assert from_credits(document) == credits == shown_credits(credits)


@pytest.mark.parametrize("document", [None, [], {}, {"type": None}, {"type": "recurring", "total": "x"}])
def test_credits_that_cannot_be_read(document):
    with pytest.raises(WireError) as caught:
        from_credits(document)
    assert caught.value.readable is False


def test_customers_of_an_address_that_are_no_list():
    with pytest.raises(WireError, match="'subusers' of an IP address is not a list"):
        addresses_of([{"ip": "192.0.2.1", "subusers": "ann"}])
