# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Connection
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._connection_cache import ConnectionCache

ACME = Connection("https://api.example.com/apiv2", "acme", "canary-key-4711")


def transport_of(cache, connection):
    with cache.connect(connection, ["canary-password-4711"]) as client:
        return client._transport


@pytest.fixture
def cache():
    cache = ConnectionCache()
    yield cache
    cache.close()


def test_the_same_connection_keeps_its_transport(cache):
    transport = transport_of(cache, ACME)
    assert transport_of(cache, dataclasses.replace(ACME)) is transport


@pytest.mark.parametrize(
    ("options", "is_shared"),
    [
        ({"timeout": 31.0, "retries": 5, "max_retry_wait": 121.0, "api_format": "xml"}, True),
        ({"api_key": "another-key"}, False),
        ({"requests_per_minute": 1}, False),
    ],
)
def test_a_transport_is_shared_by_what_it_depends_on(cache, options, is_shared):
    transport = transport_of(cache, ACME)
    other = dataclasses.replace(ACME, **options)
    assert (transport_of(cache, other) is transport) is is_shared
    with cache.connect(other) as client:
        assert client.connection == other


def test_a_transport_is_open_after_a_task_and_closed_when_another_one_takes_its_place(cache, monkeypatch):
    transport = transport_of(cache, ACME)
    closed = []
    monkeypatch.setattr(transport, "close", lambda: closed.append(transport))
    assert transport_of(cache, ACME) is transport
    assert closed == []
    transport_of(cache, dataclasses.replace(ACME, api_user="other"))
    assert closed == [transport]


def test_a_transport_is_not_used_on_both_sides_of_a_fork(cache, monkeypatch):
    transport = transport_of(cache, ACME)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert transport_of(cache, ACME) is not transport


def test_no_secret_of_a_customer_is_cached(cache):
    """That of the account is, as it is in the arguments of every task that gets the transport."""
    transport = transport_of(cache, ACME)
    assert "canary-password" not in repr(
        {**vars(cache), **vars(transport), **vars(transport._http), **vars(transport.rate_limiter)}
    )
    assert "canary" not in repr({**vars(transport), **vars(transport._http), **vars(transport.rate_limiter)})


def test_each_task_has_its_own_secrets(cache):
    messages = ["first-password", "second-password", "canary-key-4711"]
    with cache.connect(ACME, ["first-password"]) as first, cache.connect(ACME, ["second-password"]) as second:
        assert [first.redact(message) == message for message in messages] == [False, True, False]
        assert [second.redact(message) == message for message in messages] == [True, False, False]


def test_each_task_has_its_own_names(cache):
    with cache.connect(ACME, ["first-customer-4711"], ["first-customer"]) as client:
        assert client.redact("first-customer") == "first-customer"
    with cache.connect(ACME, ["first-customer-4711"]) as client:
        assert client.redact("first-customer") != "first-customer"
