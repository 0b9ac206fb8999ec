# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The twelve operations: addresses and parameters of the reference, and what a check of a password means."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Operation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    ACCOUNT,
    MAYBE_APPLIED,
    NOT_APPLIED,
    OPERATION,
    SERVER,
    UNKNOWN_CUSTOMER,
    CallError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import transport as _transport
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Answer, Connection
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.api import V2Api
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import ANN

CONNECTION = Connection("https://api.example.com/apiv2", "acme", "canary-key")


class FakeClient:
    """Records calls; answers with bytes, or fails. What a server says is not told."""

    connection = CONNECTION

    def __init__(self, body=b'{"message":"success"}', error=None):
        self.body = body
        self.error = error
        self.requests = []
        self.budgets = []

    def redact(self, _message):
        return "hidden"

    @property
    def calls(self):
        return [(address_of(one), parameters_of(one)[2:], one.repeatable) for one in self.requests]

    @property
    def sizes(self):
        return [request.largest for request in self.requests]

    def send(self, request, read, budget=None):
        self.requests.append(request)
        self.budgets.append(budget)
        if self.error is not None:
            raise self.error
        return read(Answer(200, {}, self.body))


def address_of(request):
    """The module and the action."""
    return request.url.rpartition("/")[2].rpartition(".")[0]


def parameters_of(request):
    return parse_qsl(request.body.decode("ascii"), keep_blank_values=True)


@pytest.mark.parametrize("url", ["https://api.example.com/apiv2", "https://api.example.com", "http://127.0.0.1:1/a/b"])
@pytest.mark.parametrize("answer_format", ["json", "xml"])
def test_the_address_holds_module_action_and_format_and_no_more(url, answer_format):
    client = FakeClient(b"<users/>" if answer_format == "xml" else b"[]")
    client.connection = dataclasses.replace(CONNECTION, api_url=url, api_format=answer_format)
    V2Api(client).customers({})
    [request] = client.requests
    assert (request.method, request.url) == ("POST", f"{url}/reseller.manage.{answer_format}")
    assert request.headers["Accept"] == f"application/{answer_format}"


def test_all_values_are_in_the_body():
    client = FakeClient()
    client.connection = dataclasses.replace(CONNECTION, api_key="canary-key/ä&1")
    sent = {"username": "ä b", "password": "p&/w", "ips": ["1", "2"]}
    V2Api(client).write(Operation("create", "ä b", sent), None)
    [request] = client.requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    pairs = request.body.decode("ascii").split("&")
    assert sorted(pairs) == sorted(
        [
            "api_user=acme",
            "api_key=canary-key%2F%C3%A4%261",
            "username=%C3%A4+b",
            "ip%5B%5D=1",
            "ip%5B%5D=2",
            "password=p%26%2Fw",
            "confirm_password=p%26%2Fw",
        ]
    )
    assert pairs.index("ip%5B%5D=1") < pairs.index("ip%5B%5D=2")


def has_password(api):
    """What the server says of the password of a customer; None where it does not know the check."""
    return api.details("ann", None, {"password": "secret"}).matches.get("password")


USER = ("user", "ann")
TWICE = [("password", "secret"), ("confirm_password", "secret")]
# operation, attributes, address and parameters of both families [doc], whether it may be repeated blindly
WRITES = [
    ("create", {"username": "ann", "password": "secret"}, "reseller.add", [], "customer.add", [], False),
    ("delete", {}, "reseller.delete", [], "customer.delete", [], False),
    ("enable", {}, "reseller.manage", [("method", "enable")], "customer.enable", [], True),
    ("disable", {}, "reseller.manage", [("method", "disable")], "customer.disable", [], True),
    ("enable_website", {}, "reseller.manage", [("method", "website_enable")], "customer.website_enable", [], True),
    ("disable_website", {}, "reseller.manage", [("method", "website_disable")], "customer.website_disable", [], True),
    (
        "set_profile",
        {"city": "Bath", "region": "ME"},
        "reseller.manage",
        [("method", "profile"), ("task", "set")],
        "customer.profile",
        [("task", "set")],
        True,
    ),
    (
        "rename",
        {"username": "eve"},
        "reseller.manage",
        [("method", "profile"), ("task", "setUsername")],
        "customer.profile",
        [("task", "setUsername")],
        False,
    ),
    (
        "set_email",
        {"email": "a@b"},
        "reseller.manage",
        [("method", "profile"), ("task", "setEmail")],
        "customer.profile",
        [("task", "setEmail")],
        True,
    ),
    (
        "set_password",
        {"password": "secret"},
        "reseller.manage",
        [("method", "password")],
        "customer.password",
        [],
        True,
    ),
]
BODIES = {
    "create": [("username", "ann"), *TWICE],
    "disable": [USER, ("username", "ann")],
    "set_profile": [USER, ("city", "Bath"), ("state", "ME")],
    "rename": [USER, ("username", "eve")],
    "set_email": [USER, ("email", "a@b")],
    "set_password": [USER, *TWICE],
}


@pytest.mark.parametrize("family", ["reseller", "customer"])
@pytest.mark.parametrize(
    ("operation", "sent", "address", "fixed", "other_address", "other_fixed", "repeatable"), WRITES
)
def test_a_write_as_the_reference_says(family, operation, sent, address, fixed, other_address, other_fixed, repeatable):
    client = FakeClient()
    V2Api(client, family).write(Operation(operation, "ann", sent), None)
    if family == "customer":
        address, fixed = other_address, other_fixed
    [(called, parameters, may_repeat)] = client.calls
    assert (called, may_repeat) == (address, repeatable)
    assert sorted(parameters) == sorted([*fixed, *BODIES.get(operation, [USER])])


@pytest.mark.parametrize(
    ("family", "address", "fixed"),
    [
        ("reseller", "reseller.manage", [("method", "profile"), ("task", "get")]),
        ("customer", "customer.profile", [("task", "get")]),
    ],
)
def test_a_list_with_filters(family, address, fixed):
    client = FakeClient(b'[{"username":"ann","state":"ME","active":"false","id":"7"}]')
    [listed] = V2Api(client, family).customers({"region": "ME", "active": False, "city": None}).customers
    [(called, parameters, repeatable)] = client.calls
    assert (called, repeatable) == (address, True)
    assert sorted(parameters) == sorted([*fixed, ("state", "ME"), ("active", "false")])
    assert listed.attributes == {"username": "ann", "region": "ME", "active": False}
    assert listed.extra == {"id": "7"}


@pytest.mark.parametrize(
    ("family", "address", "fixed"),
    [("reseller", "reseller.manage", [("method", "auth")]), ("customer", "customer.auth", [])],
)
def test_a_check_of_a_password(family, address, fixed):
    client = FakeClient()
    assert has_password(V2Api(client, family)) is True
    [(called, parameters, repeatable)] = client.calls
    assert (called, repeatable) == (address, True)
    assert sorted(parameters) == sorted([*fixed, USER, ("password", "secret")])


def said(*messages, code=None, status=200, shape="errors"):
    return CallError("it failed", NOT_APPLIED, messages=messages, code=code, status=status, shape=shape)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"message":"error","errors":["Invalid username and/or password"]}', False),
        (b'{"message":"error","errors":["Ann","Invalid username and/or password: secret"]}', False),
        (b'{"message":"error","errors":["INCORRECT\\nPassword."]}', False),
        (b'{"message":"error","errors":["Bad", "or no password"]}', False),
        (b'{"message":"The password is invalid: a password"}', False),
        (b'{"message":"wrong password"}', False),
        (b'{"error":{"code":404,"message":"Not found"}}', None),
        (b'{"message":"success"}', True),
    ],
)
def test_what_an_answer_to_the_check_means(body, answer):
    """Even if the server's words are hidden because they repeat the password."""
    assert has_password(V2Api(FakeClient(body))) is answer


@pytest.mark.parametrize("messages", [(), ("the answer is a web page",)])
def test_a_server_without_the_check_by_its_status(messages):
    error = said(*messages, status=404, shape="")
    assert has_password(V2Api(FakeClient(error=error))) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"code":401,"message":"Permission denied, wrong credentials"}}',
        b'{"error":{"code":401,"message":"Permission denied, wrong password"}}',
        b'{"error":"Bad username / password"}',
        b'{"error":{"code":400,"message":"User does not exist"}}',
        b'{"message":"error","errors":["Too busy"]}',
        b'{"message":"error","errors":["A password that is invalid"]}',
        b'{"message":"error","errors":["badpassword"]}',
        b'{"message":"error","errors":["bad passwords"]}',
        b'{"message":"error","errors":["Invalid username"]}',
        b"no answer at all",
    ],
)
def test_an_error_of_something_else_is_no_wrong_password(body):
    with pytest.raises(CallError, match="check the password of customer 'ann'"):
        has_password(V2Api(FakeClient(body)))


def test_a_lost_answer_is_no_wrong_password():
    error = CallError("the connection was lost", MAYBE_APPLIED, transient=True)
    with pytest.raises(CallError) as caught:
        has_password(V2Api(FakeClient(error=error)))
    assert caught.value is error


@pytest.mark.parametrize("operation", [case[0] for case in WRITES])
def test_an_error_says_what_was_being_done_and_to_whom(operation):
    sent = {"username": "ann", "password": "canary-password"}
    with pytest.raises(CallError) as caught:
        V2Api(FakeClient(error=said("No"))).write(Operation(operation, "ann@example.com", sent), None)
    text = str(caught.value)
    assert "ann@example.com" in text and "it failed" in text
    assert "canary-password" not in text and "reseller." not in text


@pytest.mark.parametrize(
    ("user", "start"),
    [
        ((), "Could not list customers: it failed."),
        (("ann@example.com",), "Could not look up customer 'ann@example.com': it failed."),
        (("a\x1b" + "x" * 200,), "Could not look up customer 'a\\x1bxxx"),
    ],
)
def test_an_error_of_a_list_says_whom_it_is_about(user, start):
    with pytest.raises(CallError) as caught:
        api = V2Api(FakeClient(error=said("No")))
        api.lookup(user) if user else api.customers({"username": ANN["username"]})
    assert str(caught.value).startswith(start)
    assert len(str(caught.value)) < 200


def test_a_list_may_be_large_and_a_confirmation_may_not():
    client = FakeClient()
    api = V2Api(client)
    for operation, sent in [case[:2] for case in WRITES]:
        api.write(Operation(operation, "ann", sent), None)
    has_password(api)
    assert set(client.sizes) == {_transport.LARGEST_CONFIRMATION}
    client.body = b"[]"
    api.customers({})
    assert client.sizes[-1] == _transport.LARGEST_ANSWER


@pytest.mark.parametrize(("operation", "sent"), [case[:2] for case in WRITES])
def test_a_write_keeps_to_the_allowance_of_its_caller(operation, sent):
    client = FakeClient()
    allowance = RetryBudget(4, 120.0, 30.0, pytest.fail)
    V2Api(client).write(Operation(operation, "ann", sent), None)
    V2Api(client).write(Operation(operation, "ann", sent), None, allowance)
    assert client.budgets[0] is None
    assert client.budgets[1] is allowance


@pytest.mark.parametrize(
    ("names", "near", "filters"),
    [
        (["ann"], False, [("username", "ann")]),
        (["ann"], True, []),
        (["ann", "Abe"], False, []),
        (["ann", "Abe"], True, []),
    ],
)
def test_a_look_is_one_call_that_is_about_the_first_name(names, near, filters):
    client = FakeClient(b'[{"username":"ann"}]')
    assert [one.attributes for one in V2Api(client).lookup(names, near)] == [{"username": "ann"}]
    [(_address, parameters, _repeatable)] = client.calls
    assert parameters[2:] == filters
    with pytest.raises(CallError, match="look up customer 'ann'"):
        V2Api(FakeClient(error=said("No"))).lookup(names, near)


def test_what_no_list_shows_is_asked_for_in_one_order():
    """An empty company finds nothing, so no call can search for it."""
    client = FakeClient(b'[{"username":"joann"},{"username":"ann"}]')
    details = V2Api(client).details("ann", None, {"city": "Bath", "company": "Acme"})
    assert (details.matches, details.attributes) == ({"company": True}, {})
    assert client.calls[0][1][2:] == [("company", "Acme")]
    assert V2Api(FakeClient(b"[]")).details("ann", None, {"company": "Acme"}).matches == {"company": False}
    client = FakeClient()
    assert V2Api(client).details("ann", None, {"password": "secret", "company": ""}).matches == {"password": True}
    assert len(client.calls) == 1


@pytest.mark.parametrize("filters", [{}, {"city": "Bath"}])
def test_only_a_list_without_filters_is_whole(filters):
    assert V2Api(FakeClient(b"[]")).customers(filters).is_whole is not bool(filters)


@pytest.mark.parametrize(
    ("error", "concerns"),
    [
        (said("Bad username / password", code=401), ACCOUNT),
        (said("No", status=403), ACCOUNT),
        # The number counts before the text.
        (said("User does not exist", code=403), ACCOUNT),
        (said("User not found", status=429), SERVER),
        (said("Slow down", code=429), SERVER),
        (CallError("nothing accepts connections there", NOT_APPLIED), SERVER),
        (CallError("the connection was lost", MAYBE_APPLIED, transient=True), OPERATION),
        (said("User does not exist", code=400), UNKNOWN_CUSTOMER),
        (said("Sorry:", "USER NOT FOUND!"), UNKNOWN_CUSTOMER),
        (said("Not today"), OPERATION),
        (said("Not today", status=503), OPERATION),
    ],
)
def test_whose_error_it_is(error, concerns):
    with pytest.raises(CallError) as caught:
        V2Api(FakeClient(error=error)).write(Operation("enable", "ann"), None)
    assert caught.value.concerns == concerns
