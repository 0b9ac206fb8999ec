# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Connection
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._kept import Kept

ACME = Connection("https://api.example.com/apiv2", "acme", "canary-key-4711")

# Every option, with another value: a new option of a connection fails the test below until it is here.
OTHERS = {
    "api_url": "https://other.example.com/apiv2",
    "api_user": "other",
    "api_key": "another-key",
    "api_format": "xml",
    "timeout": 31.0,
    "retries": 5,
    "max_retry_wait": 121.0,
    "requests_per_minute": 1,
    "validate_certs": False,
    "ca_path": "/certificates",
}


def line_of(kept, connection):
    with kept.connect(connection, ["canary-password-4711"]) as client:
        return client._transport


@pytest.fixture
def kept():
    keeper = Kept()
    yield keeper
    keeper.close()


def test_the_same_connection_keeps_its_line(kept):
    line = line_of(kept, ACME)
    assert line_of(kept, dataclasses.replace(ACME)) is line


@pytest.mark.parametrize("option", [field.name for field in dataclasses.fields(Connection)])
def test_a_connection_that_differs_in_any_option_gets_another_line(kept, option):
    line = line_of(kept, ACME)
    assert line_of(kept, dataclasses.replace(ACME, **{option: OTHERS[option]})) is not line


def test_a_line_is_open_after_a_task_and_closed_when_another_one_takes_its_place(kept, monkeypatch):
    line = line_of(kept, ACME)
    closed = []
    monkeypatch.setattr(line, "close", lambda: closed.append(line))
    assert line_of(kept, ACME) is line
    assert closed == []
    line_of(kept, dataclasses.replace(ACME, api_user="other"))
    assert closed == [line]


def test_a_line_is_not_used_on_both_sides_of_a_fork(kept, monkeypatch):
    line = line_of(kept, ACME)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert line_of(kept, ACME) is not line


def test_no_secret_is_kept(kept):
    line = line_of(kept, ACME)
    assert "canary" not in repr({**vars(kept), **vars(line), **vars(line._http), **vars(line.pace)})


def test_each_task_has_its_own_secrets(kept):
    messages = ["first-password", "second-password", "canary-key-4711"]
    with kept.connect(ACME, ["first-password"]) as first, kept.connect(ACME, ["second-password"]) as second:
        assert [first.redact(message) == message for message in messages] == [False, True, False]
        assert [second.redact(message) == message for message in messages] == [True, False, False]


def test_each_task_has_its_own_names(kept):
    with kept.connect(ACME, ["first-customer-4711"], ["first-customer"]) as client:
        assert client.redact("first-customer") == "first-customer"
    with kept.connect(ACME, ["first-customer-4711"]) as client:
        assert client.redact("first-customer") != "first-customer"
