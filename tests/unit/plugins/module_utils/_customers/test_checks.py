# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that cannot be, at the edges of each rule."""

from __future__ import annotations

import datetime
import importlib.util
import ipaddress

import pytest
import requests
import urllib3
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers import checks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    base_address,
    connection_problems,
    is_loopback,
    name_problems,
    place_of,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    CERTIFICATE_VARIABLES,
    from_environment,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import capabilities
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.desired import complete
from hypothesis import example, given, settings
from hypothesis import strategies as st

API = capabilities("reseller")

COMPLETE = complete("customer")
RESELLER_COMPLETE = complete("reseller")
LIMITS = [
    ("username", 100),
    ("first_name", 50),
    ("last_name", 50),
    ("address", 100),
    ("city", 100),
    ("region", 100),
    ("zip", 50),
    ("country", 100),
    ("phone", 50),
    ("website", 255),
    ("company", 255),
    ("package", 255),
    ("whitelabel", 255),
]
TODAY = datetime.date(2026, 5, 14)


def option_problems(options, family):
    return checks.option_problems(options, capabilities(family))


def creation_problems(attributes, family, today=None):
    return checks.creation_problems(attributes, capabilities(family), today)


@pytest.mark.parametrize(("name", "limit"), LIMITS)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(name, limit):
    for sign in ("x", "ä", "😀"):
        assert option_problems({name: sign * limit}, "reseller") == []
        [problem] = option_problems({name: sign * (limit + 1)}, "reseller")
        assert name in problem and str(limit) in problem and str(limit + 1) in problem


@pytest.mark.parametrize(("name", "limit"), [("email", 100), ("new_username", 100)])
def test_an_address_may_be_as_long_as_its_limit_and_no_longer(name, limit):
    domain = "@example.com"
    assert option_problems({name: "x" * (limit - len(domain)) + domain}, "reseller") == []
    [problem] = option_problems({name: "x" * (limit + 1 - len(domain)) + domain}, "reseller")
    assert name in problem and str(limit) in problem


def test_each_ip_group_has_its_own_limit():
    assert option_problems({"ip_groups": ["x" * 255, "y" * 255]}, "reseller") == []
    [problem] = option_problems({"ip_groups": ["x", "y" * 256]}, "reseller")
    assert "ip_groups" in problem and "255" in problem


@pytest.mark.parametrize("name", ["username", "email"])
def test_a_new_customer_has_narrower_limits(name):
    domain = "@example.com"
    longest = "x" * (64 - len(domain)) + domain
    assert creation_problems({**COMPLETE, name: longest}, "customer") == []
    [problem] = creation_problems({**COMPLETE, name: "x" + longest}, "customer")
    assert name in problem and "64" in problem


@pytest.mark.parametrize(("password", "right"), [("", False), ("12345", False), ("123456", True), ("x" * 500, True)])
def test_the_shortest_password(password, right):
    problems = option_problems({"password": password}, "reseller")
    assert (problems == []) is right
    assert not password or all(password not in problem for problem in problems)


@pytest.mark.parametrize(
    ("email", "right"),
    [
        ("a@b", True),
        ("ann.archer+x@example.com", True),
        ("ünïcode@exämple.com", True),
        ("ann", False),
        (" ", False),
        ("@example.com", False),
        ("ann@", False),
        ("ann@@example.com", False),
        ("ann@exa mple.com", False),
        ("ann@example.com\n", False),
        ("a@b@c", False),
    ],
)
def test_the_form_of_an_address(email, right):
    for name in ("email", "new_username"):
        assert (option_problems({name: email}, "reseller") == []) is right, name


def test_an_empty_email_can_be_fed_back_but_not_created():
    assert option_problems({"email": ""}, "reseller") == []
    assert creation_problems({**COMPLETE, "email": ""}, "customer") == ["creation needs email"]


TYPED_NEVER = ["\t", "\n", "\r", "\r\n", "\x7f", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("control", TYPED_NEVER)
def test_a_password_that_nobody_can_type_is_refused(control):
    for password in (f"canary-4711{control}", f"{control}canary-4711", f"canary{control}4711"):
        [problem] = option_problems({"password": password}, "reseller")
        assert problem.startswith("password ") and "nobody can type" in problem
        assert "canary" not in problem


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_line_break_at_the_end_of_a_secret_is_told_with_what_leaves_it(end):
    [problem] = option_problems({"password": f"canary-4711{end}"}, "reseller")
    assert problem.startswith("password ends with a line break")
    for part in ("echo x | ansible-vault encrypt_string", "printf %s", "--prompt"):
        assert part in problem
    for name in ("api_user", "api_key"):
        options = {**CONNECTION, name: f"canary-4711{end}"}
        [problem] = connection_problems(options, API)
        assert problem.startswith(f"{name} ends with a line break") and "ansible-vault" in problem
        assert "canary" not in problem


@pytest.mark.parametrize("password", [" x x x ", "trailing ", "\u00a0blank\u00a0", "ünï-cödé", "a'b\"c\\d"])
def test_a_password_may_hold_blanks_and_what_else_can_be_typed(password):
    assert option_problems({"password": password}, "reseller") == []


@pytest.mark.parametrize(
    ("user", "key", "wrong"),
    [
        ("acme", "key", []),
        # The password of an account may end like that.
        ("acme", " key ", []),
        ("acme ", "key", ["api_user"]),
        ("apikey", " SG.key", ["api_key"]),
        ("apikey", "SG.key\u00a0", ["api_key"]),
        ("apikey ", "SG.key ", ["api_user", "api_key"]),
        ("acme", "k\ney", ["api_key"]),
        ("ac\tme", "key", ["api_user"]),
    ],
)
def test_blanks_and_control_characters_in_what_names_the_account(user, key, wrong):
    problems = connection_problems({**CONNECTION, "api_user": user, "api_key": key}, API)
    assert [problem.split()[0] for problem in problems] == wrong
    assert all("so the server would refuse it" in problem for problem in problems)


@pytest.mark.parametrize("name", ["ip_groups", "ips"])
@pytest.mark.parametrize(
    ("item", "told"),
    [
        (" Marketing", " ' Marketing' begins or ends with a blank"),
        ("Marketing\u00a0", " 'Marketing\u00a0' begins or ends with a blank"),
        ("a\n", " 'a\\n' begins or ends with a blank"),
        ("", " is empty"),
        ("  ", " is empty"),
    ],
)
def test_an_item_of_a_list_has_no_blanks_at_its_ends(name, item, told):
    assert option_problems({name: ["192.0.2.1", item]}, "reseller") == [f"{name}[1]{told}"]
    assert option_problems({"ip_groups": ["News and Marketing"]}, "reseller") == []


@pytest.mark.parametrize("user", [{"canary": 1}, ["canary"], True, b"canary"])
def test_what_stands_for_a_name_is_not_told_as_one(user):
    assert place_of("line 3", {"username": user}) == "line 3"


@pytest.mark.parametrize("name", ["password", "new_username", "username"])
def test_what_is_empty_is_said_to_be_empty(name):
    assert option_problems({name: ""}, "reseller") == [f"{name} is empty"]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("ann@example.com", True),
        ("sendgrid.com@example.com", True),
        ("ann@sendgrid.example.com", True),
        ("ann@sendgrid.com", False),
        ("ann@SendGrid.COM", False),
        ("ann@mail.sendgrid.com", False),
    ],
)
def test_a_new_name_is_outside_the_domain_of_the_service(name, right):
    assert (option_problems({"new_username": name}, "reseller") == []) is right


def test_an_empty_username_is_refused():
    [problem] = option_problems({"username": ""}, "reseller")
    assert "username" in problem


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("192.0.2.256", False),
        ("192.0.2", False),
        ("192.0.2.1/32", False),
        ("mail.example.com", False),
        ("", False),
        (" 192.0.2.1", False),
    ],
)
def test_an_ip_address(address, right):
    assert (option_problems({"ips": ["192.0.2.7", address]}, "reseller") == []) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2026-05-14", True),
        ("2024-02-29", True),
        ("2026-02-29", False),
        ("2026-13-01", False),
        ("0000-01-01", False),
        ("2026-5-14", False),
        ("14.05.2026", False),
        ("2026-05-14T00:00", False),
        ("2026-05-14\n", False),
        ("٢٠٢٦-٠٥-١٤", False),
        ("", False),
    ],
)
def test_the_form_of_a_billing_date(text, right):
    assert (option_problems({"billing_date": text}, "reseller") == []) is right


@pytest.mark.parametrize(
    ("today", "last"),
    [
        ("2026-05-14", "2026-06-14"),
        ("2026-12-31", "2027-01-31"),
        ("2026-12-01", "2027-01-01"),
        ("2026-01-31", "2026-02-28"),
        ("2026-01-28", "2026-02-28"),
        ("2024-01-31", "2024-02-29"),
        ("2024-01-29", "2024-02-29"),
        ("2026-03-31", "2026-04-30"),
        ("2026-02-28", "2026-03-28"),
        ("2024-02-29", "2024-03-29"),
    ],
)
def test_a_billing_date_is_between_today_and_a_month_ahead(today, last):
    first_day, last_day = datetime.date.fromisoformat(today), datetime.date.fromisoformat(last)
    one = datetime.timedelta(days=1)
    for date, right in [
        (first_day - one, False),
        (first_day, True),
        (first_day + one, True),
        (last_day, True),
        (last_day + one, False),
    ]:
        problems = creation_problems({**RESELLER_COMPLETE, "billing_date": str(date)}, "reseller", today=first_day)
        assert (problems == []) is right, date


def test_a_billing_date_of_today_passes_without_a_given_day():
    date = datetime.datetime.now(datetime.timezone.utc).date()
    assert creation_problems({**RESELLER_COMPLETE, "billing_date": str(date)}, "reseller") == []


def test_a_billing_date_in_the_past_matters_for_new_customers_only():
    assert option_problems({"billing_date": "2001-01-01"}, "reseller") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("package", "Bronze"),
        ("whitelabel", "mail.example.com"),
        ("ip_groups", ["news"]),
        ("ips", ["192.0.2.1"]),
        ("free_user", False),
        ("billing_date", "2026-05-14"),
    ],
)
def test_options_of_the_reseller_family_only(name, value):
    assert option_problems({name: value}, "reseller") == []
    [problem] = option_problems({name: value}, "customer")
    assert name in problem and "api" in problem


def test_options_of_the_customer_family_only():
    assert option_problems({"mail_domain": "mail.example.com"}, "customer") == []
    [problem] = option_problems({"mail_domain": "mail.example.com"}, "reseller")
    assert "mail_domain" in problem and "api" in problem


@pytest.mark.parametrize(
    "name",
    [
        "username",
        "new_username",
        "password",
        "email",
        *[name for name, _limit in LIMITS if name != "username"],
        "mail_domain",
    ],
)
def test_text_that_cannot_be_carried_is_refused(name):
    family = "customer" if name == "mail_domain" else "reseller"
    for sign in ("\x00", "\x0b", "\ud800", "\uffff"):
        assert option_problems({name: f"someone{sign}@example.com"}, family) != [], sign
    assert option_problems({name: "someone@example.com"}, family) == []


@pytest.mark.parametrize("name", ["ip_groups"])
def test_items_that_cannot_be_carried_are_refused(name):
    assert option_problems({name: ["fine", "not\x00fine"]}, "reseller") != []


def test_options_left_out_are_no_problem():
    assert option_problems({name: None for name in (*RESELLER_COMPLETE, "new_username", "ips")}, "customer") == []


def test_everything_that_is_wrong_is_told_at_once():
    options = {
        "username": "x" * 101,
        "new_username": "nobody",
        "password": "short",
        "email": "no address",
        "city": "x" * 101,
        "zip": "x" * 51,
        "ips": ["1", "2"],
        "billing_date": "tomorrow",
        "mail_domain": "x",
    }
    told = "; ".join(option_problems(options, "reseller"))
    missing = [name for name in options if name not in told]
    assert missing == []
    assert "'1'" in told and "'2'" in told
    assert "short'" not in told


@pytest.mark.parametrize(("family", "complete"), [("reseller", RESELLER_COMPLETE), ("customer", COMPLETE)])
def test_creation_needs_what_the_reference_says(family, complete):
    assert creation_problems(complete, family) == []
    for name in complete:
        for lacking in ({**complete, name: None}, {**complete, name: ""}, {**complete}):
            if lacking[name]:
                del lacking[name]
            [problem] = creation_problems(lacking, family)
            assert name in problem


def test_creation_names_all_that_is_missing_at_once():
    told = "; ".join(creation_problems({"username": "x" * 65, "billing_date": "2001-01-01"}, "reseller", today=TODAY))
    assert [name for name in RESELLER_COMPLETE if name not in told] == []
    assert "64" in told and "2001-01-01" in told


def test_the_customer_family_needs_no_package():
    told = "; ".join(creation_problems({}, "customer"))
    assert "package" not in told and "whitelabel" not in told


CONNECTION = {
    "api_url": "https://api.example.com/apiv2",
    "api_user": "acme",
    "api_key": "hunter2",
    "timeout": 30.0,
    "retries": 4,
    "max_retry_wait": 120.0,
    "requests_per_minute": 0,
    "ca_path": None,
}


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/apiv2",
        "https://api.example.com:8443/apiv2/",
        "https://192.0.2.1/apiv2",
        "https://[2001:db8::1]/apiv2",
        "http://127.0.0.1:8025/apiv2",
        "http://127.9.9.9/apiv2",
        "http://[::1]:8025/apiv2",
        "http://localhost/apiv2",
        "http://LOCALHOST:1/apiv2",
        "HTTPS://api.example.com/apiv2",
        "HTTP://127.0.0.1:1/apiv2//",
        "  https://api.example.com/apiv2/ ",
        "http://localhost.:1/apiv2",
        "http://[::ffff:127.0.0.1]/apiv2",
        "http://[0:0:0:0:0:0:0:1]/apiv2",
        "https://b\u00fccher.example/apiv2",
        "https://xn--bcher-kva.example/apiv2",
        "https://api.example.com./apiv2",
        "https://api.example.com/a\\b",
        "https://api.example.com/%41piv2",
    ],
)
def test_addresses_that_keep_secrets_safe(url):
    assert connection_problems({**CONNECTION, "api_url": url}, API) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com/apiv2",
        "//api.example.com/apiv2",
        "https://",
        "https:///apiv2",
        "ftp://api.example.com/apiv2",
        "file:///etc/passwd",
        "https://[::1/apiv2",
        "https://api.example.com:port/apiv2",
        "https://api.example.com:99999/apiv2",
        "https://api.example.com:0/apiv2",
        "http://api.example.com/apiv2",
        "http://192.0.2.1/apiv2",
        "http://0.0.0.0/apiv2",
        "http://localhost.example.com/apiv2",
        "http://127.0.0.1.example.com/apiv2",
        "http://[2001:db8::1]/apiv2",
        "https://acme@api.example.com/apiv2",
        "https://acme:canary@api.example.com/apiv2",
        "https://:canary@api.example.com/apiv2",
        "http://localhost@api.example.com/apiv2",
        "https://api.example.com/apiv2?api_key=canary",
        "https://api.example.com/apiv2?",
        "https://api.example.com/apiv2#top",
        "https://api.example.com/apiv2#",
        "HTTP://api.example.com/apiv2",
        " http://192.0.2.1/apiv2",
        "https://api.example.com/api v2",
        "https://api. example.com/apiv2",
        "https:// api.example.com/apiv2",
        "https://api.example.com/api\nv2",
        "https://api.example.com/apiv2\n",
        "ht\ttps://api.example.com/apiv2",
        "http://127.0.0.1\t.example.com/apiv2",
        "https://api.example.com/\x00apiv2",
        "https://api.example.com/\x7fapiv2",
        "https://api.example.com/\u00a0apiv2",
        "https://api.example.com/\u2028apiv2",
        "https://api.example.com/\u202eapiv2",
        # Programs read different hosts from these.
        r"http://evil.example\[::1]/apiv2",
        r"http://evil.example\@127.0.0.1/apiv2",
        r"http://127.0.0.1\@evil.example/apiv2",
        r"http://127.0.0.1\.evil.example/apiv2",
        r"http:\\127.0.0.1/apiv2",
        r"https://evil.example\[2001:db8::1]/apiv2",
        r"https://api.example.com\.evil.example/apiv2",
        "http://[::1]evil.example/apiv2",
        "http://[::1].evil.example/apiv2",
        "http://evil.example[::1]/apiv2",
        "http://[::1%25lo]/apiv2",
        "http://[::1%lo]/apiv2",
        "http://127.0.0.1%2eevil.example/apiv2",
        "http://127.0.0.1%00.evil.example/apiv2",
        "http://%6cocalhost/apiv2",
        "https://api%2eexample.com/apiv2",
        "https://*.example.com/apiv2",
        # Names that look like this machine's.
        "http://evillocalhost/apiv2",
        "http://a.localhost/apiv2",
        "http://a.localhost./apiv2",
        "http://localhost../apiv2",
        "http://.localhost/apiv2",
        "http://localhost:1@evil.example/apiv2",
        "http://127.0.0.1:1@evil.example/apiv2",
        "http://@127.0.0.1/apiv2",
        # Ways to write a number that some systems take for an address.
        "http://0x7f.1/apiv2",
        "http://0x7f000001/apiv2",
        "http://2130706433/apiv2",
        "http://127.1/apiv2",
        "http://0177.0.0.1/apiv2",
        "http://0127.0.0.1/apiv2",
        "http://127.0.0.1./apiv2",
        "http://[::]/apiv2",
        "http://[::127.0.0.1]/apiv2",
        "http://[::ffff:192.0.2.1]/apiv2",
        "http://[64:ff9b::7f00:1]/apiv2",
        # Letters and dots of other scripts.
        "http://127\u30020\u30020\u30021/apiv2",
        "http://127\uff0e0\uff0e0\uff0e1/apiv2",
        "http://\u2460\u2461\u2466.0.0.1/apiv2",
        "http://\uff4cocalhost/apiv2",
        "http://locaIhost/apiv2".replace("I", "\u0131"),
        "http://localhost\u3002evil.example/apiv2",
        "http://evil.example\uff0f@127.0.0.1/apiv2",
    ],
)
def test_addresses_that_are_refused(url):
    problems = connection_problems({**CONNECTION, "api_url": url}, API)
    assert len(problems) >= 1
    assert all("api_url" in problem and "canary" not in problem for problem in problems)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.example.com/apiv2", "https://api.example.com/apiv2"),
        ("https://api.example.com/apiv2/", "https://api.example.com/apiv2"),
        ("https://api.example.com/apiv2///", "https://api.example.com/apiv2"),
        ("https://api.example.com/", "https://api.example.com"),
        (" \thttps://api.example.com/apiv2/\n", "https://api.example.com/apiv2"),
        ("HTTPS://API.example.com/ApiV2", "https://API.example.com/ApiV2"),
        ("hTTp://[::1]:8025/apiv2/", "http://[::1]:8025/apiv2"),
        ("", ""),
        ("no address/", "no address/"),
    ],
)
def test_an_address_has_one_form(url, base):
    assert base_address(url) == base
    if base.startswith("http"):
        assert base_address(base) == base


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("localhost.", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("128.0.0.1", False),
        ("::2", False),
        ("example.com", False),
        ("localhost.localdomain", False),
        ("LOCALHOST", True),
        ("evillocalhost", False),
        ("a.localhost", False),
        ("localhost..", False),
        ("127.0.0.1.example.com", False),
        ("127.0.0.1.", False),
        ("127.1", False),
        ("0127.0.0.1", False),
        ("0x7f.1", False),
        ("2130706433", False),
        ("::ffff:127.0.0.1", True),
        ("::ffff:7f00:1", True),
        ("::ffff:192.0.2.1", False),
        ("::127.0.0.1", False),
        ("", False),
    ],
)
def test_hosts_that_are_this_machine_for_certain(host, local):
    assert is_loopback(host) is local


def test_zeros_in_front_are_not_read_as_decimal(monkeypatch):
    """As early releases of Python 3.9 do; the system reads octal numbers, which lead elsewhere."""
    monkeypatch.setattr(ipaddress, "ip_address", lambda _text: ipaddress.IPv4Address("127.0.0.1"))
    assert (is_loopback("127.0.0.1"), is_loopback("0127.0.0.1")) == (True, False)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("api_user", "", False),
        ("api_key", "", False),
        ("api_user", "a\x00", False),
        ("api_key", "a\ud800", False),
        ("api_key", "pässword 😀", True),
        ("timeout", 0, False),
        ("timeout", -1.0, False),
        ("timeout", 0.001, True),
        ("timeout", 86400, True),
        ("timeout", 86400.1, False),
        ("max_retry_wait", 86400.0, True),
        ("max_retry_wait", 86401, False),
        ("retries", -1, False),
        ("retries", 0, True),
        ("max_retry_wait", -0.1, False),
        ("max_retry_wait", 0.0, True),
        ("requests_per_minute", -1, False),
        ("requests_per_minute", 0, True),
        ("requests_per_minute", 600, True),
        ("ca_path", "/nowhere/at/all.pem", False),
    ],
)
def test_connection_options(name, value, right):
    problems = connection_problems({**CONNECTION, name: value}, API)
    assert (problems == []) is right
    assert all(name in problem for problem in problems)


@pytest.mark.parametrize("name", ["timeout", "max_retry_wait"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300])
def test_a_wait_without_an_end_is_refused(name, value):
    assert [problem for problem in connection_problems({**CONNECTION, name: value}, API) if name in problem] != []


PARTS = st.sampled_from(
    ["http://", "https://", "127.0.0.1", "localhost", "[::1]", "evil.example", "2130706433", "@", "\\", "/", ":", "80",
     ".", "%2e", "%25", "[", "]", "?", "#", "a", "\u3002", "\uff0f", "\uff4c", "0x7f", "//", "%5c", ";", "&"]
)  # fmt: skip


def connected_to(url):
    """The host that requests opens a connection to; None when it opens none."""
    seen = []

    class Pools(urllib3.PoolManager):
        def connection_from_host(self, host, *arguments, **options):
            seen.append(host)
            raise urllib3.exceptions.LocationParseError("not called")

    session = requests.Session()
    session.trust_env = False
    session.get_adapter(url).poolmanager = Pools()
    try:
        session.post(url, allow_redirects=False)
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError):
        pass
    return seen[-1] if seen else None


def test_where_a_call_goes_can_be_seen():
    assert connected_to("http://127.0.0.1:1/x") == "127.0.0.1"
    assert connected_to(r"http://evil.example\[::1]/x") == "evil.example"


@given(st.lists(PARTS, max_size=8).map("".join))
@settings(max_examples=300)
@example(r"evil.example\[::1]/apiv2")
@example("127.0.0.1")
def test_plain_http_goes_to_this_machine_whatever_is_called(rest):
    url = f"http://{rest}"
    if connection_problems({**CONNECTION, "api_url": url}, API) != [] or base_address(url).startswith("https"):
        return
    host = connected_to(f"{base_address(url)}/reseller.add.json")
    assert host.lower() in ("localhost", "localhost.") or ipaddress.ip_address(host.strip("[]")).is_loopback


PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"


def test_certificates_that_exist_are_accepted(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text(PEM)
    (tmp_path / "5ed36f99.0").write_text(PEM)
    assert connection_problems({**CONNECTION, "ca_path": str(bundle)}, API) == []
    assert connection_problems({**CONNECTION, "ca_path": str(tmp_path)}, API) == []


@pytest.mark.parametrize(
    ("options", "is_told"),
    [
        ({}, True),
        ({"validate_certs": False}, False),
        ({"api_url": "HTTP://127.0.0.1:1/"}, False),
        ({"ca_path": "{there}"}, False),
        ({"ca_path": "/nowhere.pem", "validate_certs": False}, True),
    ],
)
def test_certificates_of_the_environment_matter_where_they_are_used(monkeypatch, tmp_path, options, is_told):
    bundle = tmp_path / "ca.pem"
    bundle.write_text(PEM)
    for name in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    given_options = {name: str(value).format(there=bundle) if name == "ca_path" else value
                     for name, value in options.items()}  # fmt: skip
    assert len(connection_problems({**CONNECTION, **given_options}, API)) == is_told


def test_an_empty_address_is_told_as_that_with_its_variable():
    assert connection_problems({**CONNECTION, "api_url": " "}, API) == ["api_url is empty"]
    nothing = from_environment("SENDGRID_API_URL", "")
    assert connection_problems({**CONNECTION, "api_url": nothing}, API) == [
        "api_url (from SENDGRID_API_URL in the environment) is empty"
    ]
    elsewhere = from_environment("SENDGRID_API_URL", "http://192.0.2.1")
    [problem] = connection_problems({**CONNECTION, "api_url": elsewhere}, API)
    assert problem.startswith("api_url (from SENDGRID_API_URL in the environment) uses plain http to '192.0.2.1'")


def test_a_proxy_that_cannot_be_used_is_told_before_any_call(monkeypatch):
    monkeypatch.setenv("https_proxy", "socks5://user:canary@proxy.example:1080")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    [problem] = connection_problems(CONNECTION, API)
    assert "lacks PySocks" in problem and "canary" not in problem
    assert connection_problems({**CONNECTION, "api_url": "http://[::1]/"}, API) == []


def test_all_problems_of_the_connection_are_told_at_once():
    wrong = {"api_url": "http://example.com/?x", "api_user": "", "api_key": "", "timeout": 0, "retries": -1}
    told = "; ".join(connection_problems({**CONNECTION, **wrong, "max_retry_wait": -1, "requests_per_minute": -1}, API))
    assert [name for name in (*wrong, "max_retry_wait", "requests_per_minute") if name not in told] == []
    assert "https" in told and "query" in told


# The rows of a fleet


def test_places_are_told_of_whatever_stands_there():
    assert place_of("customers[3]", {"username": "a\x1b\nb"}).isprintable()
    assert [place_of("line 2", row) for row in (None, 7, "x", {}, {"username": None})] == ["line 2"] * 5
    assert name_problems([{"username": 3}, {"username": None}, {}], "line {}".format) == []


def test_a_name_of_several_rows_is_told_with_the_place_of_each():
    rows = [{"username": "ann"}, {"username": "Ben"}, {"username": "zoe", "new_username": "ann"}, {"username": "ben"}]
    assert name_problems(rows, "line {}".format) == [
        "line 0 and line 2 have the username 'ann'",
        "line 1 ('Ben') and line 3 ('ben') differ only by case",
    ]
    # A rename that changes nothing, or the case alone, is one customer still.
    assert name_problems([{"username": "ann", "new_username": "ann"}], "line {}".format) == []
    assert name_problems([{"username": "ann", "new_username": "Ann"}], "line {}".format) == []
