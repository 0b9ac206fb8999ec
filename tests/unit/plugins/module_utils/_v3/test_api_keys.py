# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers about API keys: in each shape that is on record, and in none."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api_keys import ApiKey
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import REPEATS_A_SECRET, Redactor
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api_keys import V3ApiKeys
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import Key

ROW = {"api_key_id": "1", "name": "news"}
FULL = {**ROW, "scopes": ["mail.send"]}
SECRET = "SG.one.of-a-key-that-opens-nothing"


class Api:
    """An API that answers each call with one document."""

    def __init__(self, document):
        self.document = document
        self.calls = []

    def call_on_behalf(self, operation, username, key, decode=None, **more):
        self.calls.append((operation, username, key.id, more))
        return None if decode is None else decode(self.document)


def keys(document=None, redact=None):
    api = Api(document)
    return api, V3ApiKeys(api, "ann", Key("7"), redact or Redactor([]))


def test_shapes_that_are_read():
    assert keys({"result": [ROW, FULL]})[1].list() == [
        ApiKey("1", "news"),
        ApiKey("1", "news", frozenset(["mail.send"])),
    ]
    assert keys({"result": []})[1].list() == []
    for document in (FULL, {"result": [FULL]}):
        assert keys(document)[1].get("1").scopes == {"mail.send"}
    assert keys({"result": [ROW]})[1].get("1").scopes is None


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {},
        {"result": None},
        {"result": [None]},
        {"result": [{"name": "x"}]},
        {"result": [{**ROW, "scopes": "x"}]},
    ],
)
def test_shapes_that_are_none(document):
    with pytest.raises(WireError):
        keys(document)[1].list()


@pytest.mark.parametrize("document", [[], {}, {"result": [FULL, FULL]}, {"result": []}, {**FULL, "scopes": [1]}])
def test_what_is_not_one_key(document):
    with pytest.raises(WireError):
        keys(document)[1].get("1")


def test_a_new_secret_is_kept_out_of_messages():
    redact = Redactor(["another"])
    assert redact(f"no {SECRET}") == f"no {SECRET}"
    api, its_keys = keys({**FULL, "api_key": SECRET}, redact)
    made = its_keys.create("news", ["stats.read", "mail.send"], None)
    assert (made.secret, made.key.id) == (SECRET, "1")
    assert redact(f"no {SECRET}") == REPEATS_A_SECRET
    assert api.calls[0][3]["body"] == {"name": "news", "scopes": ["mail.send", "stats.read"]}
    its_keys.create("news", None, None)
    assert api.calls[1][3]["body"] == {"name": "news"}


def test_a_creation_without_the_secret_is_none():
    with pytest.raises(WireError, match="api_key"):
        keys(FULL)[1].create("news", None, None)
