# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of API v3: five forms of errors, successes with and without a body, and everything else."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Operation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    ACCOUNT,
    MAYBE_APPLIED,
    NOT_APPLIED,
    OPERATION,
    UNKNOWN_CUSTOMER,
    CallError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Answer, Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import Redactor
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.answers import Reader
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api import V3Api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import Key
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import Clock
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    ANN,
    CONNECTION,
    KEY,
    PASSWORD,
    SEEDED,
    Got,
    SandboxHttp,
)
from hypothesis import given
from hypothesis import strategies as st

SCOPE = "subusers.read"
PAGE = b"<!DOCTYPE html>\n<html><head><title>SendGrid - 502 Bad Gateway</title></head></html>"


def reader(**about):
    return Reader(Redactor([KEY, PASSWORD]), SCOPE, **about)


def value(body, status=200, **about):
    return reader(**about).value(lambda document: document)(Answer(status, {}, body))


def confirmation(body=b"", status=200, **about):
    return reader(**about).confirmation(Answer(status, {}, body))


def error_of(body, status, read=confirmation, **about):
    with pytest.raises(CallError) as caught:
        read(body, status, **about)
    return caught.value


def in_json(content):
    return json.dumps(content).encode()


# The five shapes

# body, its messages; without messages, it is not an error of the API
SHAPES = [
    ({"errors": [{"field": None, "message": "access forbidden", "help": None}]}, ["access forbidden"]),
    ({"errors": [{"field": "type", "message": "Type should be set"}], "id": "x"}, ["type: Type should be set"]),
    (
        {"errors": [{"message": "username exists"}, {"message": "no fields provided"}]},
        ["username exists", "no fields provided"],
    ),
    (
        {"errors": [{"message": "Field must be a valid email", "field": "", "error_id": "10-40002"}]},
        ["Field must be a valid email"],
    ),
    ({"errors": ["text alone"]}, ["text alone"]),
    ({"errors": [{"field": "email", "help": None}, 7, None, ["x"]]}, ["7", "x"]),
    ({"errors": []}, []),
    ({"error": "user not found"}, ["user not found"]),
    ({"error": {"code": 404, "message": "gone"}}, ["gone"]),
    ({"message": "not today"}, ["not today"]),
    ({"error": None, "message": "not today"}, ["not today"]),
    ({"error": False, "errors": None, "message": "not today"}, ["not today"]),
]
NONE_OF_THE_API = [
    (PAGE, " with a web page"),
    (b"\xef\xbb\xbf \n<html>", " with a web page"),
    (b"404 page not found", " with a text that is not of the API"),
    (b"[]", " with a text that is not of the API"),
    (b"{}", " with a text that is not of the API"),
    (b'{"error":null}', " with a text that is not of the API"),
    (b'{"errors":', " with a text that is not of the API"),
    (b"[" * 100_000, " with a text that is not of the API"),
    (b"\xff\xfe\x00\xd8", " with a text that is not of the API"),
    (b"", ""),
    (b" \r\n", ""),
]


@pytest.mark.parametrize(("content", "messages"), SHAPES)
def test_an_error_says_what_the_server_said(content, messages):
    for status in (400, 401, 403, 404, 500, 503):
        error = error_of(in_json(content), status)
        told = "; ".join(f"'{message}'" for message in messages) or "an error without a message"
        assert error.reason == f"the server said {told} (HTTP {status})"
        assert (error.messages, error.status) == (messages, status)


@pytest.mark.parametrize(("body", "what"), NONE_OF_THE_API)
def test_an_error_that_is_not_of_the_api_is_one_sentence(body, what):
    for status in (400, 404, 500, 502):
        error = error_of(body, status)
        assert error.reason == f"the server answered HTTP {status}{what}"
        assert error.messages == []
        assert error.advice == ("Check that api_url is the address of API v3." if status < 500 else "")


# What a status means


@pytest.mark.parametrize("read", [confirmation, value])
def test_what_a_status_means(read):
    for status in range(200, 300):
        read(b'{"a": 1}', status)
    for status in (*range(100, 200), *range(300, 600)):
        error = error_of(b"", status, read)
        is_unclear = status < 200 or status >= 500
        assert error.applied == (MAYBE_APPLIED if is_unclear else NOT_APPLIED)
        assert (error.transient, error.status) == (status >= 500, status)


@pytest.mark.parametrize(
    ("status", "body", "on_behalf", "names_customer", "concerns"),
    [
        (401, b"", False, False, ACCOUNT),
        (403, b"", False, True, ACCOUNT),
        (401, PAGE, False, False, ACCOUNT),
        # On behalf of a customer, it can also be about the customer.
        (401, b"", True, False, OPERATION),
        (403, b"", True, False, OPERATION),
        (404, b"", False, True, UNKNOWN_CUSTOMER),
        (404, b'{"error":"user not found"}', False, True, UNKNOWN_CUSTOMER),
        (404, b"404 page not found", False, True, UNKNOWN_CUSTOMER),
        (404, PAGE, False, True, OPERATION),
        (404, b"", False, False, OPERATION),
        (404, b"", True, False, OPERATION),
        (400, b"", False, True, OPERATION),
        (500, b"", False, True, OPERATION),
    ],
)
def test_whose_error_it_is(status, body, on_behalf, names_customer, concerns):
    assert error_of(body, status, on_behalf=on_behalf, names_customer=names_customer).concerns == concerns


@pytest.mark.parametrize("on_behalf", [False, True])
def test_only_what_is_on_behalf_may_settle(on_behalf):
    for status in (400, 401, 403, 404, 405, 500, 503):
        error = error_of(b"", status, on_behalf=on_behalf)
        assert error.may_settle is (on_behalf and status in (401, 403, 404))


@pytest.mark.parametrize("body", [b"", PAGE, b'{"errors":[{"field":null,"message":"access forbidden"}]}'])
def test_advice_on_keys_and_scopes(body):
    assert "api_key" in error_of(body, 401).advice
    advice = error_of(body, 403).advice
    assert f"needs the scope {SCOPE}" in advice and "full access" in advice


def test_an_error_of_the_api_needs_no_advice():
    for status in (400, 404, 405, 500):
        assert error_of(b'{"errors":[{"message":"no"}]}', status).advice == ""


# Successes


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b"[]", b"null", b'{"a":1}', b'{"errors":[]}', b'{"errors":null}'])
def test_a_confirmation_needs_no_body(body):
    for status in (200, 201, 202, 204):
        assert confirmation(body, status) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"errors":[{"message":"not done"}]}', "the server said 'not done' (HTTP 200)"),
        (b'{"errors":["a","b"]}', "the server said 'a'; 'b' (HTTP 200)"),
        (PAGE, "the answer is not JSON, but a web page (HTTP 200)"),
        (b"done", "the answer is not JSON (HTTP 200)"),
        (b'{"a":', "the answer is not JSON (HTTP 200)"),
        (b"[" * 100_000, "the answer is not JSON (HTTP 200)"),
    ],
)
def test_a_success_that_says_something_else_is_unclear(body, reason):
    error = error_of(body, 200)
    assert (error.reason, error.applied) == (reason, MAYBE_APPLIED)


@pytest.mark.parametrize("body", [b"", PAGE, b"done", b'{"a":', b"[" * 100_000, b"[" * 40 + b"]" * 40])
def test_values_need_a_body(body):
    error = error_of(body, 200, value)
    assert (error.applied, error.transient) == (MAYBE_APPLIED, body != PAGE)
    assert "Check that api_url" in error.advice


def test_numbers_stay_as_they_are_written():
    assert value(b'{"id": 7, "a": 1e400, "b": [true, null, "x", 0.10]}') == {
        "id": "7",
        "a": "1e400",
        "b": [True, None, "x", "0.10"],
    }


# Secrets and sizes


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
@pytest.mark.parametrize(
    "content", [{"errors": [{"message": "{}"}]}, {"errors": [{"field": "{}", "message": "m"}]}, {"error": "{}"}]
)
def test_a_message_that_repeats_a_secret_is_not_shown(secret, content):
    body = json.dumps(content).replace("{}", f"it was {secret}").encode()
    error = error_of(body, 400)
    assert secret not in str(error) and secret not in str(error.messages)
    assert "repeats a secret" in str(error)


def test_what_a_message_holds_is_made_visible():
    assert "'a\\x1b\\nb\\u202e'" in str(error_of(in_json({"error": "a\x1b\nb\u202e"}), 400))


@pytest.mark.parametrize("count", [20, 21, 100, 101, 50_000])
def test_messages_are_bounded_in_number(count):
    error = error_of(in_json({"errors": [{"message": f"m{number}"} for number in range(count)]}), 400)
    assert error.messages == [f"m{number}" for number in range(20)]
    assert f"and {count - 20} more messages" in str(error) or count == 20


def test_messages_are_bounded_in_length():
    error = error_of(in_json({"errors": [{"message": "x" * 100_000, "field": "y" * 100_000}]}), 400)
    assert len(str(error)) < 1000


# Any bytes from a server

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda items: (
        st.lists(items, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "username",
                    "email",
                    "disabled",
                    "id",
                    "user_id",
                    "region",
                    "errors",
                    "error",
                    "message",
                    "field",
                    "city",
                ]
            ),
            items,
            max_size=4,
        )
    ),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=60),
    VALUES.map(in_json),
    st.lists(
        st.sampled_from(
            [
                b"{",
                b"}",
                b"[",
                b"]",
                b'"',
                b",",
                b":",
                b"errors",
                b"message",
                b"\\ud800",
                b"\xed\xa0\x80",
                b"1",
                b"<html>",
            ]
        )
    ).map(b"".join),
)
CALLS = {
    "list": lambda api: api.customers({}),
    "lookup": lambda api: api.lookup([ANN]),
    "details": lambda api: api.details(ANN, Key("1001"), {"city": None}),
    "create": lambda api: api.write(Operation("create", "new", {"username": "new"}), None),
    "delete": lambda api: api.write(Operation("delete", ANN), Key("1001")),
    "set_email": lambda api: api.write(Operation("set_email", ANN, {"email": "a@b.example"}), Key("1001")),
}


@pytest.mark.parametrize("call", CALLS)
def test_whatever_a_server_sends_gives_a_value_or_the_one_error(call):
    http = SandboxHttp("observed", *SEEDED)
    kept = http.parent, http.customers
    clock = Clock()

    @given(st.integers(100, 599) | st.sampled_from([200, 201, 204, 404, 429]), BODIES, st.booleans())
    def check(status, body, from_the_start):
        # The server works correctly. Only the result in the client differs.
        http.service.reset()
        http.spoil = lambda sent, got: got if _is_first(sent) and not from_the_start else Got(status, {}, body)
        client = Client(CONNECTION, [PASSWORD], sleep=clock.sleep, http=http)
        try:
            CALLS[call](V3Api(client))
        except CallError as error:
            assert str(error).startswith("Could not ") and KEY not in str(error) and len(str(error)) < 20_000
            assert error.applied in (NOT_APPLIED, MAYBE_APPLIED)
        assert http.parent == kept[0]

    check()


def _is_first(sent):
    """Whether other calls only follow if this one succeeds."""
    return sent.path.endswith("/user/username") or (sent.path == "/v3/subusers" and sent.query.get("offset") == "0")
