# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call: what it sends, what it repeats, how long it can wait, and that no secret gets out."""

from __future__ import annotations

import dataclasses
import email.message
import email.utils
import gzip
import json
import socket
import ssl
import types
from urllib.parse import quote, quote_plus

import pytest
import requests
import urllib3.exceptions
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    MAYBE_APPLIED,
    NOT_APPLIED,
    CallError,
    Cancelled,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import reading as _reading
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import transport as _transport
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import CERTIFICATE_VARIABLES
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import (
    Client,
    Connection,
    Request,
    Transport,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.answers import confirmation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.failures import reader
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import (
    Clock,
    FakeResponse,
    connection_lost,
    tls_broken,
)
from hypothesis import given
from hypothesis import strategies as st

KEY = "canary-key/ä&1"
PASSWORD = "canary-password/ü&2"
BODY = f"password={quote_plus(PASSWORD)}".encode()
SUCCESS = b'{"message":"success"}'
PACKED = gzip.compress(SUCCESS, mtime=0)
MEBIBYTE = 1024 * 1024
URL = "https://api.example.com/apiv2"


class Http:
    """Answers each POST with the next of the given answers, and repeats the last one."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.posts = []
        self.closed = 0

    def request(self, method, url, **options):
        assert method == "POST"
        self.posts.append((url, options))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        self.closed += 1


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in (_rate_limit, _transport):
        monkeypatch.setattr(module, "time", clock)
    return clock


def make_client(clock, *answers, secrets=(PASSWORD,), **connection):
    options = {"api_url": URL, "api_user": "acme", "api_key": KEY, **connection}
    http = Http(*answers)
    client = Client(Connection(**options), secrets, sleep=clock.sleep, http=http)
    # For the tests alone.
    client.posts = http.posts
    return client


def call(client, repeatable=True, budget=None, **options):
    """A call with the reader of API v2 that raises most kinds of errors."""
    request = Request("POST", f"{URL}/reseller.manage.json", body=BODY, repeatable=repeatable, **options)
    return client.send(request, reader(confirmation, "json", client.redact), budget)


def failure(client, repeatable=True, **options):
    with pytest.raises(CallError) as caught:
        call(client, repeatable, **options)
    return caught.value


def ok():
    return FakeResponse(SUCCESS)


# Requests


def test_a_request_is_sent_as_it_is(clock):
    client = make_client(clock, ok())
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    request = Request("POST", f"{URL}/reseller.manage.json", headers, BODY)
    assert client.send(request, lambda answer: (answer.status, answer.body)) == (200, SUCCESS)
    [(url, options)] = client.posts
    assert (url, options["data"], options["headers"]) == (request.url, BODY, headers)
    assert not options.get("params")
    assert PASSWORD not in repr(request)


def test_redirects_are_not_followed_and_time_is_bounded(clock):
    client = make_client(clock, ok(), timeout=7.5)
    call(client)
    [(_address, options)] = client.posts
    assert options["allow_redirects"] is False
    assert options["timeout"] == (7.5, 7.5)


@pytest.mark.parametrize(
    ("options", "verify"),
    [
        ({}, True),
        ({"ca_path": "/etc/ca.pem"}, "/etc/ca.pem"),
        ({"validate_certs": False}, False),
        ({"validate_certs": False, "ca_path": "/etc/ca.pem"}, False),
    ],
)
def test_certificates(clock, monkeypatch, options, verify):
    for variable in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    client = make_client(clock, ok(), **options)
    call(client)
    assert client.posts[0][1]["verify"] == verify


def test_certificates_of_the_environment(clock, monkeypatch):
    for variable in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/openssl.pem")
    for options, verify in (({}, "/etc/openssl.pem"), ({"ca_path": "/o"}, "/o"), ({"validate_certs": False}, False)):
        client = make_client(clock, ok(), **options)
        call(client)
        assert client.posts[0][1]["verify"] == verify


# By option: another value, and whether open connections depend on it. A new option fails the test until it is here.
OTHERS = {
    "api_url": ("https://other.example.com/apiv2", True),
    "api_user": ("other", True),
    "api_key": ("another-key", True),
    "api_format": ("xml", False),
    "eu_api_url": ("https://eu.example.com/v3", True),
    "timeout": (31.0, False),
    "retries": (5, False),
    "max_retry_wait": (121.0, False),
    "requests_per_minute": (1, True),
    "validate_certs": (False, True),
    "ca_path": ("/certificates", True),
}


@pytest.mark.parametrize("option", [field.name for field in dataclasses.fields(Connection)])
def test_what_open_connections_depend_on(option):
    connection, (value, matters) = Connection(URL, "acme", KEY), OTHERS[option]
    assert (dataclasses.replace(connection, **{option: value}).pool_key != connection.pool_key) is matters


def test_a_client_closes_its_connections(clock):
    http = Http(ok())
    with Client(Connection(URL, "acme", KEY), sleep=clock.sleep, http=http) as client:
        call(client)
        assert http.closed == 0
    assert http.closed == 1


def test_a_transport_that_was_given_is_used_and_left_open(clock):
    http = Http(ok())
    transport = Transport(Connection(URL, "acme", KEY, requests_per_minute=20), http)
    for _number in range(2):
        with Client(Connection(URL, "acme", KEY), transport=transport, sleep=clock.sleep) as client:
            call(client)
    assert (len(http.posts), http.closed) == (2, 0)
    # The pace is that of the transport.
    assert clock.sleeps == [pytest.approx(3)]
    transport.close()
    assert http.closed == 1


@pytest.mark.parametrize(
    ("url", "proxied"), [("http://127.0.0.1:1/apiv2", False), ("HTTP://127.0.0.1:1/apiv2", False), (URL, True)]
)
def test_plain_http_does_not_go_through_a_proxy(monkeypatch, url, proxied):
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        for name in (variable, variable.upper()):
            monkeypatch.setenv(name, "http://proxy.example:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    http = Http(ok())
    with Client(Connection(url, "acme", KEY), http=http) as client:
        client.send(Request("POST", f"{url}/x", body=b""), lambda answer: answer.status)
    assert bool(http.posts[0][1]["proxies"]) is proxied


def test_requests_asks_the_environment_for_nothing():
    http = _transport._http_session(Connection(URL, "acme", KEY))
    assert http.trust_env is False
    http.close()


def test_one_way_of_packing_is_asked_for():
    http = _transport._http_session(Connection(URL, "acme", KEY))
    request = http.prepare_request(requests.Request("POST", URL, data=[("a", b"b")]))
    assert request.headers["Accept-Encoding"] == "gzip"
    http.close()


def test_a_redirect_is_not_even_prepared():
    """For that, requests would read the whole answer, and older releases would ask the system for proxies."""
    http = _transport._http_session(Connection(URL, "acme", KEY))
    answer = requests.Response()
    answer.status_code, answer.headers["Location"] = 302, "https://elsewhere.example"
    answer.raw = types.SimpleNamespace(read=lambda *_given: pytest.fail("it was read"))
    request = http.prepare_request(requests.Request("POST", URL))
    assert list(http.resolve_redirects(answer, request, yield_requests=True)) == []
    http.close()


def test_no_cookies_are_kept():
    headers = email.message.Message()
    headers["Set-Cookie"] = "client=canary-cookie; Path=/"
    answer = types.SimpleNamespace(_original_response=types.SimpleNamespace(msg=headers))
    ours, usual = _transport._http_session(Connection(URL, "acme", KEY)), requests.Session()
    kept = []
    for http in (usual, ours):
        request = http.prepare_request(requests.Request("POST", URL))
        requests.cookies.extract_cookies_to_jar(http.cookies, request, answer)
        kept.append("Cookie" in http.prepare_request(requests.Request("POST", URL)).headers)
        http.close()
    assert kept == [True, False]


def test_credentials_of_a_netrc_file_are_not_sent(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example.com login someone password canary-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    http = _transport._http_session(Connection(URL, "acme", KEY))
    request = http.prepare_request(requests.Request("POST", URL, data=[("a", b"b")]))
    assert "Authorization" not in request.headers
    http.close()


def test_a_connection_does_not_show_its_key():
    assert KEY not in repr(Connection(URL, "acme", KEY))


# What is repeated


def new_connection(cause):
    reason = urllib3.exceptions.NewConnectionError(None, "no way")
    reason.__cause__ = cause
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/apiv2", reason))


REFUSED = b'{"message":"error","errors":["No"]}'
LATER = b'{"error":{"code":503,"message":"Later"}}'
# name: answer, fate, whether it may pass
FAILURES = {
    "connection lost": (connection_lost, MAYBE_APPLIED, True),
    "body lost": (lambda: requests.exceptions.ChunkedEncodingError("broken"), MAYBE_APPLIED, True),
    "nothing for too long": (lambda: requests.exceptions.ReadTimeout("slow"), MAYBE_APPLIED, True),
    "no connection in time": (lambda: requests.exceptions.ConnectTimeout("slow"), NOT_APPLIED, True),
    "no way": (lambda: new_connection(OSError("unreachable")), NOT_APPLIED, True),
    "nobody listens": (lambda: new_connection(ConnectionRefusedError()), NOT_APPLIED, False),
    "no such name": (lambda: new_connection(socket.gaierror()), NOT_APPLIED, False),
    "not trusted": (lambda: requests.exceptions.SSLError(ssl.SSLCertVerificationError("no")), NOT_APPLIED, False),
    "TLS": (tls_broken, MAYBE_APPLIED, False),
    "TLS ended": (lambda: requests.exceptions.SSLError(ssl.SSLEOFError("over")), MAYBE_APPLIED, True),
    "proxy": (lambda: requests.exceptions.ProxyError(OSError("Tunnel connection failed")), NOT_APPLIED, False),
    "no address": (lambda: requests.exceptions.InvalidURL("no"), NOT_APPLIED, False),
    "no certificates": (lambda: OSError("Could not find a suitable TLS CA certificate bundle"), NOT_APPLIED, False),
    "success with 500": (lambda: FakeResponse(SUCCESS, 500), MAYBE_APPLIED, True),
    "success with 400": (lambda: FakeResponse(SUCCESS, 400), MAYBE_APPLIED, False),
    "success with 404": (lambda: FakeResponse(SUCCESS, 404), MAYBE_APPLIED, False),
    "refused": (lambda: FakeResponse(REFUSED), NOT_APPLIED, False),
    "refused with 400": (lambda: FakeResponse(REFUSED, 400), NOT_APPLIED, False),
    "later": (lambda: FakeResponse(LATER), MAYBE_APPLIED, True),
    "500": (lambda: FakeResponse(REFUSED, 500), MAYBE_APPLIED, True),
    "502 page": (lambda: FakeResponse(b"<html>Bad Gateway</html>", 502), MAYBE_APPLIED, True),
    "503 without body": (lambda: FakeResponse(b"", 503), MAYBE_APPLIED, True),
    "404 page": (lambda: FakeResponse(b"<html>Not Found</html>", 404), NOT_APPLIED, False),
    "400 page": (lambda: FakeResponse(b"<html>Bad Request</html>", 400), NOT_APPLIED, False),
    "400 unreadable": (lambda: FakeResponse(b"Bad Request", 400), MAYBE_APPLIED, True),
    "400 empty": (lambda: FakeResponse(b"", 400), MAYBE_APPLIED, True),
    "401 unreadable": (lambda: FakeResponse(b"Who?", 401), NOT_APPLIED, False),
    "403 empty": (lambda: FakeResponse(b"", 403), NOT_APPLIED, False),
    "404 unreadable": (lambda: FakeResponse(b"Not here", 404), NOT_APPLIED, False),
    "499 cut short": (lambda: FakeResponse(b'{"message":"err', 499), NOT_APPLIED, False),
    "500 unreadable": (lambda: FakeResponse(b"Oops", 500), MAYBE_APPLIED, True),
    "599 page": (lambda: FakeResponse(b"<html>Oops</html>", 599), MAYBE_APPLIED, True),
    "200 page": (lambda: FakeResponse(b"<html>Welcome</html>"), MAYBE_APPLIED, False),
    "200 cut short": (lambda: FakeResponse(b'{"message":"succ'), MAYBE_APPLIED, True),
    "200 empty": (lambda: FakeResponse(b""), MAYBE_APPLIED, True),
    "429": (lambda: FakeResponse(b"", 429), NOT_APPLIED, True),
    "302": (lambda: FakeResponse(b"", 302, {"Location": "https://elsewhere.example/?" + KEY}), MAYBE_APPLIED, False),
    "304": (lambda: FakeResponse(SUCCESS, 304), MAYBE_APPLIED, False),
    "399": (lambda: FakeResponse(REFUSED, 399), MAYBE_APPLIED, False),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_a_failure_means(clock, name):
    make, applied, transient = FAILURES[name]
    error = failure(make_client(clock, make(), retries=0))
    assert (error.applied, error.transient) == (applied, transient)
    assert clock.sleeps == []


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("name", FAILURES)
def test_a_call_is_repeated_when_it_can_do_no_harm(clock, name, repeatable):
    make, applied, transient = FAILURES[name]
    client = make_client(clock, make(), ok())
    if transient and (repeatable or applied == NOT_APPLIED):
        assert call(client, repeatable) is None
        assert (len(client.posts), len(clock.sleeps)) == (2, 1)
        first, second = client.posts
        assert first == second
    else:
        failure(client, repeatable)
        assert (len(client.posts), clock.sleeps) == (1, [])


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_tries_are_bounded(clock, retries):
    client = make_client(clock, connection_lost(), retries=retries)
    failure(client)
    assert len(client.posts) == retries + 1


@pytest.mark.parametrize("repeatable", [True, False])
def test_calls_that_share_an_allowance_share_its_tries(clock, repeatable):
    client = make_client(clock, FakeResponse(b"", 429), retries=4)
    allowance = client.retry_budget()
    for _number in range(3):
        with pytest.raises(CallError):
            call(client, repeatable, allowance)
    # Each call has its one try; the further ones are all used up by the first.
    assert (len(client.posts), len(clock.sleeps)) == (7, 4)


def test_calls_that_share_an_allowance_share_its_waiting(clock):
    client = make_client(clock, FakeResponse(b"", 429, {"Retry-After": "6"}), retries=9, max_retry_wait=10)
    allowance = client.retry_budget()
    for _number in range(2):
        with pytest.raises(CallError):
            call(client, False, allowance)
    assert clock.sleeps == [6]


@pytest.mark.parametrize("tries", [0, 1, 2])
def test_what_came_of_a_try_is_told_when_no_further_one_is_wanted(clock, monkeypatch, tries):
    """The run is stopped while the call waits to start. A call that was already sent may have taken effect."""
    turns = iter([True] * tries + [False])
    monkeypatch.setattr(_rate_limit.RateLimiter, "acquire", lambda *_given: next(turns))
    client = make_client(clock, connection_lost())
    with pytest.raises(CallError if tries else Cancelled) as caught:
        call(client)
    assert len(client.posts) == tries
    if tries:
        assert caught.value.applied == MAYBE_APPLIED


def test_each_call_has_its_own_tries(clock):
    client = make_client(clock, connection_lost(), ok(), connection_lost(), ok(), retries=1)
    assert call(client) is None
    assert call(client) is None
    assert len(client.posts) == 4


def test_waiting_is_bounded_in_all(clock):
    failure(make_client(clock, connection_lost(), retries=1000, max_retry_wait=20))
    assert 0 < sum(clock.sleeps) <= 20


def test_without_a_wait_there_is_no_second_try(clock):
    client = make_client(clock, connection_lost(), max_retry_wait=0)
    failure(client)
    assert (len(client.posts), clock.sleeps) == (1, [])


# How long the server asks to wait


def http_date(moment):
    return email.utils.formatdate(moment, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 7 "}, 7),
        ({"Retry-After": http_date(1_700_000_009)}, 9),
        ({"X-RateLimit-Reset": "1700000011"}, 11),
        ({"Retry-After": "7", "X-RateLimit-Reset": "1700000011"}, 7),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "1700000011"}, 11),
    ],
)
@pytest.mark.parametrize("repeatable", [True, False])
def test_too_many_requests(clock, headers, wait, repeatable):
    client = make_client(clock, FakeResponse(b"", 429, headers), ok())
    assert call(client, repeatable) is None
    assert clock.sleeps == [pytest.approx(wait)]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": "0"},
        {"Retry-After": http_date(1_699_999_000)},
        {"X-RateLimit-Reset": "1600000000"},
        {"X-RateLimit-Reset": "1600000000", "X-RateLimit-Remaining": "0"},
    ],
)
@pytest.mark.parametrize("repeatable", [True, False])
def test_a_server_that_asks_for_no_wait_is_not_hammered(clock, headers, repeatable):
    client = make_client(clock, FakeResponse(b"", 429, headers), retries=3)
    failure(client, repeatable)
    assert len(client.posts) == 4
    for number, pause in enumerate(clock.sleeps):
        assert _rate_limit.FIRST_PAUSE * 2**number / 2 <= pause <= _rate_limit.FIRST_PAUSE * 2**number


# Headers with which a server says nothing of when it takes calls again; the last ones, if the clocks differ.
UNTOLD = [{}, {"Retry-After": "0"}, {"X-RateLimit-Reset": "1600000000", "X-RateLimit-Remaining": "0"}]


@pytest.mark.parametrize("headers", UNTOLD)
def test_where_no_answer_tells_the_limit_the_pace_of_the_key_is_kept(clock, headers):
    """The pauses exceed a minute and apply to all calls with the key. The second call waits before it is sent."""
    client = make_client(clock, *[FakeResponse(b"", 429, headers)] * 3, ok())
    assert call(client, probes=True, limit_key="create") is None
    assert [low <= pause <= low * 1.25 for low, pause in zip((0.5, 2.5, 12.5), clock.sleeps)] == [True] * 3
    clock.sleeps.clear()
    assert call(client, probes=True, limit_key="create") is None
    assert sum(clock.sleeps) > 5
    clock.sleeps.clear()
    assert call(client, probes=True, limit_key="list") is None
    assert clock.sleeps == []


@pytest.mark.parametrize("headers", UNTOLD)
def test_a_refused_call_that_is_not_repeated_lets_the_others_of_its_key_wait(clock, headers):
    """The caller gets the time to wait, so that it can check the outcome first."""
    client = make_client(clock, FakeResponse(b"", 429, headers), ok())
    error = failure(client, False, probes=True, limit_key="create", applied_if_limited=MAYBE_APPLIED)
    assert 0.5 <= error.wait <= 0.625 and clock.sleeps == []
    assert call(client, probes=True, limit_key="create") is None
    assert sum(clock.sleeps) == pytest.approx(error.wait)


def test_a_guess_is_no_reason_to_give_up(clock):
    client = make_client(clock, *[FakeResponse(b"", 429)] * 2, ok(), max_retry_wait=2)
    assert call(client, probes=True) is None
    assert sum(clock.sleeps) == pytest.approx(2)


def test_a_wait_that_the_server_asks_for_is_kept_with_a_pace_too(clock):
    client = make_client(clock, FakeResponse(b"", 429, {"Retry-After": "7"}), ok())
    assert call(client, probes=True) is None
    assert call(client, probes=True) is None
    assert clock.sleeps == [7]


@pytest.mark.parametrize("answers", [(429, 200), (200,), (503, 200)])
def test_a_key_without_a_pace_is_left_alone(clock, monkeypatch, answers):
    for name in ("passed", "refused"):
        monkeypatch.setattr(_rate_limit.RateLimiter, name, pytest.fail)
    bodies = {429: b"", 503: b"", 200: SUCCESS}
    client = make_client(clock, *[FakeResponse(bodies[status], status) for status in answers])
    assert call(client) is None


def test_what_fails_otherwise_was_not_refused(clock):
    client = make_client(clock, FakeResponse(b"", 429), FakeResponse(b"", 503), ok())
    assert call(client, probes=True) is None
    pauses = list(clock.sleeps)
    assert call(client, probes=True) is None
    assert (len(client.posts), sum(clock.sleeps) > sum(pauses)) == (4, True)


def test_retry_after_counts_for_a_server_that_is_down_too(clock):
    client = make_client(clock, FakeResponse(b"", 503, {"Retry-After": "7"}), ok())
    assert call(client) is None
    assert clock.sleeps == [7]


@pytest.mark.parametrize(("asked", "ceiling", "waits"), [("10", 10, True), ("11", 10, False)])
def test_a_server_that_asks_for_too_much_ends_the_call(clock, asked, ceiling, waits):
    client = make_client(clock, FakeResponse(b"", 429, {"Retry-After": asked}), ok(), max_retry_wait=ceiling)
    if waits:
        assert call(client) is None
        assert clock.sleeps == [10]
    else:
        assert asked in str(failure(client))
        assert (len(client.posts), clock.sleeps) == (1, [])


def test_the_waits_that_the_server_asks_for_add_up(clock):
    client = make_client(clock, FakeResponse(b"", 429, {"Retry-After": "4"}), max_retry_wait=10)
    error = failure(client)
    assert error.status == 429
    assert clock.sleeps == [4, 4]


ODD_VALUES = ["", " ", "-1", "1e3", "soon", "²", "9" * 400, "9" * 5000, "Mon, 01 Jan 99999 00:00:00 GMT", "\xff"]
HEADER_TEXTS = st.one_of(
    st.sampled_from(ODD_VALUES),
    st.text(st.characters(max_codepoint=255), max_size=30),
    st.text("0123456789 :,-", max_size=30),
    st.from_regex(
        r"(Mon, )?[0-9]{1,3} (Jan|Feb) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? (GMT|\+[0-9]{1,6})",
        fullmatch=True,
    ),
)
NAMES = ("Retry-After", "X-RateLimit-Reset", "X-RateLimit-Remaining", "Content-Length")


def _survives(status, headers):
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        for module in (_rate_limit, _transport):
            patch.setattr(module, "time", clock)
        client = make_client(clock, FakeResponse(SUCCESS, status, headers), retries=2, max_retry_wait=50)
        for _number in range(2):
            try:
                assert call(client) is None
            except CallError as error:
                assert error.status in (status, None)
    # Two calls. Each can wait 50 seconds in total.
    assert 0 <= sum(clock.sleeps) <= 100


@pytest.mark.parametrize("status", [200, 429, 503])
@pytest.mark.parametrize("name", NAMES)
def test_an_odd_header_is_no_defect(status, name):
    for value in ODD_VALUES:
        _survives(status, {"X-RateLimit-Remaining": "0", name: value})


@given(st.sampled_from([200, 429, 503]), st.dictionaries(st.sampled_from(NAMES), HEADER_TEXTS))
def test_any_header_gives_a_value_or_the_one_error(status, headers):
    _survives(status, headers)


# Pace


def test_calls_keep_the_distance_that_was_asked_for(clock):
    client = make_client(clock, ok(), requests_per_minute=20)
    for _number in range(4):
        call(client)
    assert clock.sleeps == [pytest.approx(3)] * 3


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000012"}, [12]),
        # Longer than the call may wait: it goes out at once, and the server says what it has to say.
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000000"}, []),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "1700000012"}, []),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1600000000"}, []),
        ({"X-RateLimit-Remaining": "0"}, []),
        ({"X-RateLimit-Reset": "1700000012"}, []),
    ],
)
def test_a_used_up_window_lets_the_next_call_wait(clock, headers, waits):
    client = make_client(clock, FakeResponse(SUCCESS, 200, headers), ok(), max_retry_wait=50)
    call(client)
    assert clock.sleeps == []
    call(client)
    assert clock.sleeps == [pytest.approx(wait) for wait in waits]


def test_waiting_for_a_window_counts_for_the_patience_of_a_call(clock):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000040"}
    client = make_client(
        clock, FakeResponse(SUCCESS, 200, headers), FakeResponse(b"", 429, {"Retry-After": "8"}), max_retry_wait=50
    )
    call(client)
    failure(client)
    # 40 for the window and 8 for the first further try leave 2.
    assert clock.sleeps == [pytest.approx(40), 8]
    assert len(client.posts) == 3


def test_the_own_ceiling_does_not_count_for_the_patience_of_a_call(clock):
    answers = [ok(), connection_lost(), connection_lost(), ok()]
    client = make_client(clock, *answers, requests_per_minute=1, max_retry_wait=5)
    call(client)
    assert call(client) is None
    assert sum(clock.sleeps) > 100
    assert len(client.posts) == 4


# Answers of a wrong size or form


def test_the_largest_answers():
    assert _transport.LARGEST_ANSWER == 60 * MEBIBYTE
    assert _transport.LARGEST_CONFIRMATION == MEBIBYTE
    # Each of the others may hold as much in lines of HTTP as in its body.
    others = _transport.MOST_AT_ONCE * (_reading.SMALL_ANSWER + _reading._FREE_LINES)
    assert _transport.LARGEST_ANSWER + others == 64 * MEBIBYTE


@pytest.mark.parametrize(
    ("packing", "read"),
    [
        *[(packing, True) for packing in (None, "gzip", "GZIP", " gzip ", "identity", "Identity")],
        *[
            (packing, False)
            for packing in ("br", "zstd", "deflate", "compress", "x", "gzip, gzip", "gzip,br", "br, gzip")
        ],
    ],
)
def test_an_answer_is_packed_as_asked_for(clock, packing, read):
    is_gzip = (packing or "").strip().lower() == "gzip"
    body = gzip.compress(SUCCESS) if is_gzip else SUCCESS
    answer = FakeResponse(body, 200, {"Content-Encoding": packing} if packing else {})
    if not read:

        def stream(_size, decode_content):
            raise AssertionError("nothing of it is read")

        answer.stream = stream
        error = failure(make_client(clock, answer, ok()))
        assert (error.applied, error.transient, clock.sleeps) == (MAYBE_APPLIED, False, [])
    else:
        assert call(make_client(clock, answer)) is None


def endless(piece=b" "):
    """An answer without end, and a list of how much of it was read."""
    answer, given_out = FakeResponse(), []

    def stream(size, decode_content):
        while True:
            given_out.append(size)
            yield piece * size

    answer.stream = stream
    return answer, given_out


@pytest.mark.parametrize(("options", "mebibytes"), [({}, 1), ({"largest": 3 * MEBIBYTE}, 3)])
def test_an_answer_may_not_be_endless(clock, options, mebibytes):
    answer, given_out = endless()
    client = make_client(clock, answer)
    with pytest.raises(CallError) as caught:
        call(client, **options)
    error = caught.value
    assert (error.applied, error.transient, len(client.posts)) == (MAYBE_APPLIED, False, 1)
    assert f"larger than {mebibytes} MiB" in str(error)
    assert sum(given_out) <= mebibytes * MEBIBYTE + max(given_out)


def test_an_answer_may_be_as_large_as_the_limit(clock):
    client = make_client(clock, ok())
    assert call(client, largest=len(SUCCESS)) is None
    with pytest.raises(CallError):
        call(client, largest=len(SUCCESS) - 1)


def test_an_answer_in_drops_is_not_waited_for_endlessly(clock):
    slow = FakeResponse(SUCCESS)

    def drops(_size, decode_content):
        for drop in (SUCCESS[:5], *[b""] * 1000):
            clock.now += 29
            yield drop

    slow.stream = drops
    error = failure(make_client(clock, slow, retries=0, timeout=30, max_retry_wait=60))
    assert (error.applied, error.transient) == (MAYBE_APPLIED, True)


@pytest.mark.parametrize(
    ("body", "headers", "whole"),
    [
        (SUCCESS, {"Content-Length": str(len(SUCCESS))}, True),
        (SUCCESS, {"Content-Length": str(len(SUCCESS) + 1)}, False),
        (PACKED, {"Content-Length": str(len(PACKED)), "Content-Encoding": "gzip"}, True),
        (PACKED, {"Content-Length": str(len(PACKED) + 1), "Content-Encoding": "gzip"}, False),
        (PACKED[:-1], {"Content-Encoding": "gzip"}, False),
        (SUCCESS, {}, True),
    ],
)
def test_a_body_that_ends_early(clock, body, headers, whole):
    client = make_client(clock, FakeResponse(body, 200, headers), retries=0)
    if whole:
        assert call(client) is None
    else:
        error = failure(client)
        assert "the answer ended early" in str(error)
        assert (error.applied, error.transient) == (MAYBE_APPLIED, True)


def test_success_with_a_status_of_failure_is_none(clock):
    error = failure(make_client(clock, FakeResponse(SUCCESS, 500), retries=0))
    assert (error.status, error.applied) == (500, MAYBE_APPLIED)


# Messages


def spellings(secret):
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        secret.replace("&", "&amp;"),
        secret.replace("/", "\\/"),
    }


LEAKS = [
    *[requests.exceptions.ConnectionError(f"{URL}?api_key={text}") for text in sorted(spellings(KEY))],
    requests.exceptions.InvalidHeader(f"bad {KEY} {PASSWORD}"),
    requests.exceptions.ProxyError(f"http://user:{KEY}@proxy.example"),
    requests.exceptions.ReadTimeout(f"HTTPSConnectionPool: {quote_plus(PASSWORD)}"),
    urllib3.exceptions.ProtocolError(f"broken {KEY}", OSError(PASSWORD)),
    *[
        FakeResponse(f'{{"message":"error","errors":["{text}"]}}'.replace("\\", "\\\\").encode())
        for text in sorted(spellings(KEY) | spellings(PASSWORD))
    ],
    FakeResponse(f"<html>{KEY} {PASSWORD}</html>".encode(), 500),
    FakeResponse(f"not JSON: {KEY} {PASSWORD}".encode()),
    FakeResponse(b"", 301, {"Location": f"https://elsewhere.example/?api_key={KEY}&password={PASSWORD}"}),
    FakeResponse(b"", 429, {"Retry-After": KEY}),
]


@pytest.mark.parametrize("number", range(len(LEAKS)))
def test_no_secret_is_told(clock, number):
    error = failure(make_client(clock, LEAKS[number], retries=0))
    told = "\n".join([str(error), repr(error.args), error.reason, error.advice, *error.messages])
    assert [text for text in spellings(KEY) | spellings(PASSWORD) if text in told] == []
    assert "canary" not in told
    assert "?" not in told
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


HIDDEN = "(a message that repeats a secret is not shown)"


def test_a_message_that_repeats_a_secret_is_hidden_alone(clock):
    texts = ["First of all", f"No {quote(PASSWORD[:9])}", "And then", f"api_key={KEY}"]
    body = json.dumps({"message": "error", "errors": texts}).encode()
    error = failure(make_client(clock, FakeResponse(body, 400)))
    assert error.messages == ["First of all", HIDDEN, "And then", HIDDEN]
    assert error.reason == f"the server said 'First of all'; {HIDDEN}; 'And then'; {HIDDEN} (HTTP 400)"
    assert (error.status, error.code, error.applied) == (400, None, NOT_APPLIED)


def test_the_code_and_what_to_do_stay_with_a_message_that_is_hidden(clock):
    body = json.dumps({"error": {"code": 403, "message": f"Permission denied, not authorized: {KEY}"}}).encode()
    error = failure(make_client(clock, FakeResponse(body)))
    assert (error.code, error.status, error.messages) == (403, 200, [HIDDEN])
    assert "(error 403, HTTP 200)" in str(error)
    assert "reseller contract" in error.advice


@pytest.mark.parametrize("names", [["ann"], ["ann", "canary-password"]])
def test_what_the_account_and_a_customer_are_called_is_no_secret(clock, names):
    connection = Connection(URL, "canary-acme", "canary-acme-4711")
    for client in (
        Client(connection, ["canary-password-4711"], names, sleep=clock.sleep),
        Client(connection, sleep=clock.sleep).for_customers(["canary-password-4711"], names, clock.sleep),
    ):
        with client:
            assert client.redact("Hello canary-acme") == "Hello canary-acme"
            assert client.redact("Hello canary-acme-") == HIDDEN
            assert client.redact("Hello canary-password") == (HIDDEN if len(names) == 1 else "Hello canary-password")
            assert client.redact("Hello canary-password-") == HIDDEN


def test_every_message_of_the_server_is_told(clock):
    body = b'{"message":"error","errors":["First of all","And then"]}'
    error = failure(make_client(clock, FakeResponse(body)))
    assert error.messages == ["First of all", "And then"]
    assert "First of all" in str(error) and "And then" in str(error)


@pytest.mark.parametrize(("count", "told", "rest"), [(20, 20, ""), (21, 20, "and 1 more"), (5000, 20, "and 4980 more")])
def test_a_server_that_says_much_does_not_fill_the_screen(clock, count, told, rest):
    texts = ",".join(f'"Message <{number}>"' for number in range(count))
    error = failure(make_client(clock, FakeResponse(f'{{"message":"error","errors":[{texts}]}}'.encode())))
    # The others are not looked at, either.
    assert error.messages == [f"Message <{number}>" for number in range(told)]
    assert str(error).count("Message <") == told
    assert f"'Message <{told - 1}>'" in str(error)
    assert ("more message" in str(error)) is bool(rest)
    assert rest in str(error)


def test_a_terminal_does_not_obey_a_message(clock):
    error = failure(make_client(clock, FakeResponse(b'{"message":"\\u001b[2J\\u202e"}')))
    assert "\x1b" not in str(error) and "\u202e" not in str(error)


def test_the_failure_names_the_server_without_a_path(clock):
    error = failure(make_client(clock, new_connection(ConnectionRefusedError())))
    assert "https://api.example.com" in str(error)
    assert "apiv2" not in str(error)


# Answers that come too late, and advice


class Passed:
    """A deadline that passes during each call."""

    passed = True

    def __init__(self, *_given):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass


@pytest.mark.parametrize("answer", [FakeResponse(SUCCESS), connection_lost()], ids=["read in time", "cut off"])
@pytest.mark.parametrize(("repeatable", "calls"), [(True, 3), (False, 1)])
def test_an_answer_that_was_cut_off_is_none_whatever_was_read_of_it(clock, monkeypatch, answer, repeatable, calls):
    monkeypatch.setattr(_transport, "Deadline", Passed)
    client = make_client(clock, answer, retries=2)
    error = failure(client, repeatable)
    assert "the answer took too long to arrive" in str(error)
    assert (error.applied, error.transient, len(client.posts)) == (MAYBE_APPLIED, True, calls)


@pytest.mark.parametrize(
    ("said", "code", "advice"),
    [
        ("You are not authorized", 401, "The account may lack a reseller contract: see the option api."),
        ("Permission denied", 401, "Check api_user and api_key."),
        ("Forbidden", 403, "Check api_user and api_key."),
        ("User does not exist", 400, ""),
    ],
)
def test_what_to_do_about_a_refusal(clock, said, code, advice):
    body = b'{"error":{"code":%d,"message":"%s"}}' % (code, said.encode())
    error = failure(make_client(clock, FakeResponse(body), retries=0))
    assert error.advice == advice
    assert said in str(error) and advice in str(error)
