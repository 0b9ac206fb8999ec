# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each module does with its options, over an API in memory."""

from __future__ import annotations

import functools

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _info
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import IN_RESULTS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import CollectionError, InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import run_task
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import ANN as STORED_ANN
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import FakeService, customer
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import (
    ANN,
    BOB,
    CONNECTION,
    KEY,
    NEW,
    PASSWORD,
    UNFILTERED,
    World,
    made,
)

EVE = "eve@example.com"


@pytest.fixture
def world():
    return World()


# reseller_customer


def test_a_converged_customer_costs_one_read(world):
    result = world.customer(city="Aarhus", active=True, website_access=True, email=ANN)
    assert (result["changed"], result["operations"], result["unverified"]) == (False, [], [])
    assert result["diff"]["before"] == result["diff"]["after"]
    assert world.http.operations == ["list"]
    assert world.http.closed


def test_a_customer_in_results_has_option_names_and_booleans(world):
    result = world.customer()
    assert set(result["customer"]) == set(IN_RESULTS)
    assert (result["customer"]["region"], result["customer"]["active"]) == ("AA", True)
    assert result["customer"]["company"] is None


def test_a_change_is_read_again(world):
    result = world.customer(city="Bath", active=False)
    assert result["changed"] is True
    assert made(result) == [("disable", "applied"), ("set_profile", "applied")]
    assert (result["customer"]["city"], result["customer"]["active"]) == ("Bath", False)
    assert world.service.customers[ANN]["city"] == "Bath"
    assert world.http.operations == ["list", "disable", "set_profile", "list"]
    assert "failed" not in result


CHANGES = [
    {"city": "Bath"},
    {"city": "Bath", "company": "New", "active": False},
    {"new_username": EVE, "email": "x@example.com"},
    {"password": PASSWORD, "update_password": "always"},
    {"username": EVE, **NEW},
    {"username": EVE, **NEW, "active": False, "website_access": False},
    {"state": "absent"},
    {"username": EVE, "state": "absent"},
    {"website_access": False},
]


@pytest.mark.parametrize("options", CHANGES)
@pytest.mark.parametrize("shows", [True, False])
@pytest.mark.parametrize("answer_format", ["json", "xml"])
def test_check_mode_says_what_the_run_does_and_writes_nothing(world, options, shows, answer_format):
    options = {**options, "api_format": answer_format}
    world.put(FakeService(STORED_ANN, BOB, shows_website_access=shows))
    predicted = world.customer(check_mode=True, **options)
    assert world.http.writes == []
    real = world.customer(**options)
    for key in ("changed", "diff", "customer", "unverified", "warnings"):
        assert predicted[key] == real[key], key
    assert [name for name, _status in made(predicted)] == [name for name, _status in made(real)]
    assert {status for _name, status in made(predicted)} <= {"planned"}
    assert {status for _name, status in made(real)} <= {"applied"}
    assert [name for name, _status in made(real)] == world.http.writes


@pytest.mark.parametrize("options", CHANGES)
def test_a_second_run_changes_nothing(world, options):
    world.customer(**options)
    written = list(world.http.writes)
    assert world.customer(**options)["changed"] is False
    assert world.http.writes == written


def test_a_profile_of_a_customer_that_exists_can_be_left_alone(world):
    """The list shows it anyway. A difference from the values of a new customer causes no warning."""
    wanted = {"city": "Bath", "first_name": "Eve", "company": "Other Ltd", "update_profile": "on_create"}
    result = world.customer(**wanted, active=False, email="new@example.com")
    assert made(result) == [("disable", "applied"), ("set_email", "applied")]
    assert (result["customer"]["city"], result["warnings"], result["unverified"]) == ("Aarhus", [], [])
    assert (world.service.customers[ANN]["city"], world.service.customers[ANN]["company"]) == ("Aarhus", "Archer & Co")
    # The company is not read, because that takes a call.
    assert world.http.operations == ["list", "disable", "set_email", "list"]
    result = world.customer(**wanted)
    assert (result["changed"], world.http.operations[4:]) == (False, ["list"])


def test_a_new_customer_gets_its_profile_in_any_case(world):
    given = {**NEW, "username": EVE, "city": "Bath", "update_profile": "on_create"}
    assert made(world.customer(**given)) == [("create", "applied")]
    assert world.service.customers[EVE]["city"] == "Bath"
    assert world.customer(**{**given, "city": "Oslo"})["changed"] is False


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_only_a_new_customer_gets_is_a_warning_when_it_was_just_created(world, check_mode):
    world.put(FakeService(rewrites=True))
    given = {**NEW, "username": EVE, "website": "eve.example", "update_profile": "on_create"}
    assert len(world.customer(check_mode, **given)["warnings"]) == (0 if check_mode else 1)
    world.customer(**given)
    assert world.customer(check_mode, **given)["warnings"] == []


@pytest.mark.parametrize("options", CHANGES)
@pytest.mark.parametrize("check_mode", [True, False])
def test_no_result_holds_a_secret(world, options, check_mode):
    result = world.customer(check_mode=check_mode, **options)
    assert PASSWORD not in repr(result) and KEY not in repr(result)


def test_a_password_that_is_sent_is_masked_in_the_diff(world):
    result = world.customer(password=PASSWORD, update_password="always")
    assert "password" not in result["diff"]["before"]
    assert result["diff"]["after"]["password"] == "********"
    assert world.service.customers[ANN]["password"] == PASSWORD


def test_hidden_attributes_appear_after_the_change_only(world):
    world.put(FakeService(STORED_ANN, shows_website_access=False))
    result = world.customer(company="New", website_access=False)
    assert not {"company", "website_access"} & set(result["diff"]["before"])
    assert (result["diff"]["after"]["company"], result["diff"]["after"]["website_access"]) == ("New", False)
    assert (result["customer"]["company"], result["customer"]["website_access"]) == (None, None)
    assert result["unverified"] == ["website_access"]


def test_hidden_website_access_is_sent_on_each_run_or_on_creation_only(world):
    world.put(FakeService(STORED_ANN, shows_website_access=False))
    assert [world.customer(website_access=True)["changed"] for _run in range(2)] == [True, True]
    assert world.customer(website_access=True, update_website_access="on_create")["changed"] is False


def test_a_company_costs_one_more_read(world):
    assert world.customer(company=STORED_ANN["company"])["changed"] is False
    assert world.http.operations == ["list", "list"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"website": "new.example"}, ["website", "new.example", "http://new.example"]),
        ({"country": "Canada"}, ["Canad'"]),
    ],
)
def test_what_the_server_rewrites_is_no_change_and_a_warning(world, options, words):
    world.put(FakeService(STORED_ANN, rewrites=True))
    first = world.customer(**options)
    second = world.customer(**options)
    assert (first["changed"], second["changed"]) == (True, False)
    for result in (first, second):
        [warning] = result["warnings"]
        assert [word for word in words if word not in warning] == []


def test_everything_that_creation_needs_is_told_before_any_write(world):
    with pytest.raises(InvalidInput) as caught:
        world.customer(username=EVE, city="Exeter")
    told = str(caught.value)
    assert [name for name in NEW if name not in told] == ["city"]
    assert EVE in told
    assert world.http.writes == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_options_are_checked_before_any_call(world, check_mode):
    with pytest.raises(InvalidInput) as caught:
        world.customer(
            check_mode, city="x" * 101, email="none", password="short", api_url="http://example.com", retries=-1
        )
    told = str(caught.value)
    assert [word for word in ("city", "email", "password", "api_url", "retries") if word not in told] == []
    assert world.http.calls == []


def test_a_rename_of_something_that_is_to_be_absent_is_refused(world):
    with pytest.raises(InvalidInput, match="new_username"):
        world.customer(state="absent", new_username=EVE)
    assert world.http.calls == []


@pytest.mark.parametrize("username", ["ANN@example.com", "Ann@Example.com"])
def test_a_name_of_another_case_is_refused(world, username):
    with pytest.raises(InvalidInput, match="case"):
        world.customer(username=username, **NEW)
    assert world.http.writes == []


def test_the_customer_family_creates_without_a_package(world):
    new = {name: value for name, value in NEW.items() if name not in ("package", "whitelabel")}
    result = world.customer(username=EVE, api="customer", mail_domain="mail.example.com", **new)
    assert made(result) == [("create", "applied")]
    assert world.service.customers[EVE]["mail_domain"] == "mail.example.com"


def test_a_partial_failure_tells_all(world):
    world.put(FakeService(STORED_ANN), set_email=["refused*"])
    result = world.customer(active=False, email="x@example.com", city="Bath")
    assert result["failed"] is True and result["changed"] is True
    assert made(result) == [("disable", "applied"), ("set_email", "failed"), ("set_profile", "not_reached")]
    assert "Not today" in result["msg"] and ANN in result["msg"]
    assert (result["customer"]["active"], result["customer"]["city"]) == (False, "Aarhus")
    assert result["diff"]["after"] == {**result["diff"]["before"], "active": False}


def test_a_failure_before_anything_was_applied_is_no_change(world):
    world.put(FakeService(STORED_ANN), set_profile=["refused*"])
    result = world.customer(city="Bath")
    assert result["failed"] is True and result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]


@pytest.mark.parametrize(
    ("options", "operation"),
    [({"new_username": EVE}, "rename"), ({"state": "absent"}, "delete"), ({"username": EVE, **NEW}, "create")],
)
def test_a_write_that_is_lost_and_not_done_says_that_it_was_looked_at(world, options, operation):
    world.put(FakeService(STORED_ANN), **{operation: ["busy", "lost_before"] * 9})
    result = world.customer(**options)
    assert (result["failed"], result["changed"]) == (True, False)
    assert "The customer was read again, and does not show the change." in result["msg"]
    assert world.http.writes == [operation] * 5


@pytest.mark.parametrize(("faults", "start"), [({"list": ["refused*"]}, f"Could not look up customer '{ANN}': ")])
def test_an_error_of_the_first_read_names_the_customer(world, faults, start):
    for run in (world.customer, world.password, functools.partial(world.customer, new_username=EVE)):
        world.put(FakeService(STORED_ANN), **faults)
        with pytest.raises(CollectionError) as caught:
            run()
        assert str(caught.value).startswith(start)


def test_an_error_of_the_read_for_a_company_names_the_customer(world):
    world.put(FakeService(STORED_ANN), list=["fine", "refused*"])
    with pytest.raises(CollectionError, match=f"Could not look up customer '{ANN}': "):
        world.customer(company="New")


def test_neither_name_exists_and_none_can_be_created(world):
    with pytest.raises(InvalidInput) as caught:
        world.customer(username="old@example.com", new_username=EVE, city="Exeter")
    assert str(caught.value).startswith(
        f"Neither customer 'old@example.com' nor '{EVE}' exists, and '{EVE}' cannot be created: creation needs "
    )
    assert world.http.writes == []


@pytest.mark.parametrize("username", [EVE, "old@example.com"])
def test_a_customer_that_cannot_be_created_is_named(world, username):
    with pytest.raises(InvalidInput) as caught:
        world.customer(username=username)
    assert str(caught.value).startswith(f"Customer '{username}' does not exist, and cannot be created: ")


def test_an_empty_email_is_fed_back_but_not_created_with(world):
    world.put(FakeService({**STORED_ANN, "email": ""}))
    [listed] = world.info()["customers"]
    assert listed["email"] == ""
    assert world.customer(**listed)["changed"] is False
    with pytest.raises(InvalidInput, match="creation needs email"):
        world.customer(username=EVE, **{**NEW, "email": ""})
    assert world.http.writes == []


@pytest.mark.parametrize(
    ("option", "options"),
    [("password", {"password": ""}), ("new_username", {"new_username": ""}), ("username", {"username": ""})],
)
def test_an_empty_option_is_said_to_be_empty(world, option, options):
    with pytest.raises(InvalidInput, match=f": {option} is empty"):
        world.customer(**options)
    assert world.http.calls == []


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ({"city": "Bath"}, ANN, ANN),
        ({"new_username": EVE}, ANN, EVE),
        ({"username": EVE, "new_username": ANN}, ANN, ANN),
        ({"username": EVE, **NEW}, EVE, EVE),
        ({"username": "old@example.com", "new_username": EVE, **NEW}, EVE, EVE),
        ({"state": "absent"}, ANN, ANN),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_the_headers_of_a_diff_are_the_names(world, check_mode, options, before, after):
    diff = world.customer(check_mode, **options)["diff"]
    assert (diff["before_header"], diff["after_header"]) == (before, after)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.example.com/apiv2/", "https://api.example.com/apiv2"),
        ("  HTTPS://api.example.com/apiv2//  ", "https://api.example.com/apiv2"),
        ("HTTP://127.0.0.1:1/apiv2/", "http://127.0.0.1:1/apiv2"),
    ],
)
def test_the_client_gets_the_address_in_its_one_form(world, monkeypatch, url, base):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    seen = []

    def connect(connection, secrets, names):
        seen.append(connection.api_url)
        return world.connect(connection, secrets, names)

    _info.customer_info({**CONNECTION, **UNFILTERED, "api_url": url}, False, connect)
    assert seen == [base]
    assert [bool(options["proxies"]) for options in world.http.options] == [base.startswith("https")]


@pytest.mark.parametrize("url", ["https://api.example.com/api v2", "https://api.example.com/\x1b[2J", "https://a\n.b"])
def test_an_address_with_blanks_or_control_characters_is_refused(world, url):
    for run in (world.customer, world.info, world.password):
        with pytest.raises(InvalidInput, match="api_url holds a character that an address cannot have") as caught:
            run(api_url=url)
        assert str(caught.value).isprintable()
    assert world.http.calls == []


@pytest.mark.parametrize(
    "options", [{"city": "Bath"}, {"username": EVE, **NEW}, {"new_username": EVE, "city": "Bath"}, {"active": False}]
)
def test_a_list_that_lags_behind_is_a_warning(world, options):
    predicted = world.customer(check_mode=True, **options)
    name = predicted["customer"]["username"]
    reads = world.http.operations.count("list")
    world.put(FakeService(STORED_ANN, BOB), list=["fine"] * reads + ["empty*"])
    result = world.customer(**options)
    assert result["changed"] is True and "failed" not in result
    assert {status for _name, status in made(result)} == {"applied"}
    assert result["customer"] == predicted["customer"]
    [warning] = result["warnings"]
    assert warning == (
        f"The server does not show customer '{name}' yet; the result shows what was sent, not what is stored"
    )


def test_an_outcome_that_nobody_knows_is_told_as_such(world):
    world.put(FakeService(STORED_ANN), rename=["lost_after*"], list=["fine", "refused*"])
    result = world.customer(new_username=EVE)
    assert result["failed"] is True
    assert made(result) == [("rename", "unknown")]
    assert "unknown" in result["msg"]


def test_a_reread_that_fails_is_a_warning(world):
    world.put(FakeService(STORED_ANN), list=["fine", "refused*"])
    result = world.customer(city="Bath")
    assert result["changed"] is True and "failed" not in result
    assert made(result) == [("set_profile", "applied")]
    assert result["customer"]["city"] == "Bath"
    [warning] = result["warnings"]
    assert ANN in warning


# reseller_customer_info


@pytest.mark.parametrize("answer_format", ["json", "xml"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_customers_are_sorted_and_in_option_names(world, answer_format, check_mode):
    world.put(FakeService(customer("zoe@example.com"), STORED_ANN, BOB))
    result = world.info(check_mode, api_format=answer_format)
    assert [one["username"] for one in result["customers"]] == [ANN, "bob@example.com", "zoe@example.com"]
    assert all(set(one) == set(IN_RESULTS) for one in result["customers"])
    assert (result["count"], result["changed"]) == (3, False)


def test_filters_go_to_the_server(world):
    result = world.info(city="berg", active=False)
    assert world.http.calls == [("list", {"city": "berg", "active": "false"})]
    assert [one["username"] for one in result["customers"]] == ["bob@example.com"]


def test_region_is_the_state_of_the_wire(world):
    world.info(region="AA")
    assert world.http.calls == [("list", {"state": "AA"})]


def test_an_empty_fleet(world):
    world.put(FakeService())
    result = world.info()
    assert (result["customers"], result["extra"], result["count"]) == ([], {}, 0)


def test_what_the_server_shows_beyond_the_options_is_extra(world):
    service = FakeService(STORED_ANN)
    shown = {"id": "7", "address2": "", "tags": ["a"], "_ansible_no_log": "x", "apikey": PASSWORD, "token": PASSWORD}
    service.rows = lambda filters=None: [{"username": ANN, "password": PASSWORD, **shown}]
    world.put(service)
    result = world.info()
    assert result["extra"] == {ANN: {"id": "7", "address2": "", "tags": '["a"]'}}
    assert PASSWORD not in repr(result)


@pytest.mark.parametrize(
    ("options", "account"),
    [
        ({}, {"api": "reseller", "api_url": "https://api.example.com/apiv2", "api_user": "acme"}),
        ({"api_url": " HTTPS://api.example.com/apiv2/ "}, {"api_url": "https://api.example.com/apiv2"}),
        ({"api_user": "apikey"}, {"api_user": "apikey"}),
    ],
)
def test_the_account_of_a_list(world, options, account):
    shown = world.info(**options)["account"]
    assert {**shown, **account} == shown
    assert set(shown) == {"api", "api_url", "api_user"}


RESERVED = ["__ansible_type", "__ansible_unsafe", "__ansible_vault", "_ansible_no_log", "_ansible_x"]


def test_a_username_that_ansible_would_take_for_a_key_of_its_own_is_no_key(world):
    """They are normal customers, except in the dicts of the result."""
    odd = ["__ansible", "_ansible", "ansible_facts", "x__ansible_type"]
    world.put(FakeService(*(customer(name) for name in [*RESERVED, *odd])))
    result = world.info()
    assert [one["username"] for one in result["customers"]] == sorted([*RESERVED, *odd])
    assert (sorted(result["extra"]), result["count"]) == (sorted(odd), 9)
    [warning] = result["warnings"]
    assert "'__ansible_type', '__ansible_unsafe', '__ansible_vault' and 2 more cannot be shown in extra" in warning


def test_the_inventory_gets_what_is_extra_with_each_customer(world):
    world.put(FakeService(customer("__ansible_type")))
    result = _info.list_customers({**CONNECTION, **UNFILTERED}, False, world.connect)
    [listed] = result["customers"]
    assert (listed["username"], listed["extra"]) == ("__ansible_type", {})
    assert set(listed) == {*IN_RESULTS, "extra"}


def test_a_listed_customer_can_be_fed_back(world):
    [ann, bob] = world.info()["customers"]
    for listed in (ann, bob):
        assert world.customer(**listed)["changed"] is False
    assert world.http.writes == []


@pytest.mark.parametrize("name", ["username", "email", "city"])
@pytest.mark.parametrize("value", ["ann ", "\u00a0ann", "an\u200bn", "\ufeffann"])
def test_a_filter_that_only_seems_to_be_what_it_is_is_refused(world, name, value):
    with pytest.raises(InvalidInput, match=f"{name} '.*' holds characters that nobody sees: U[+]"):
        world.info(**{name: value})
    assert world.http.calls == []
    assert world.info(username="ann")["warnings"] == []


def test_a_stored_name_with_what_nobody_sees_is_told_of_in_a_list(world):
    world.put(FakeService(STORED_ANN, customer("odd@example.com ")))
    [warning] = world.info()["warnings"]
    assert "'odd@example.com<U+0020>'" in warning


@pytest.mark.parametrize("minds_case", [True, False])
@pytest.mark.parametrize(
    "near",
    ["ANN@example.com", "ann@example.com\u200b", " ann@example.com", "\uff41nn@example.com"],
)
def test_a_name_that_looks_like_one_that_is_there_is_an_error_in_each_state(world, near, minds_case):
    """Also where the server's search finds only what is spelt in the same way."""
    wholes = {"present": {}, "absent": {"state": "absent"}, "rename": {"new_username": "eve@example.com"}}
    for name, options in wholes.items():
        world.put(FakeService(customer(near), BOB, minds_case=minds_case))
        for check_mode in (True, False):
            with pytest.raises(InvalidInput, match="so correct username in the task"):
                world.customer(check_mode, **options)
        assert world.http.writes == []
        # One read is enough for a customer that should be absent.
        if name != "present":
            assert world.http.operations == ["list"] * 2
    with pytest.raises(InvalidInput, match="so correct username in the task"):
        world.password()
    with pytest.raises(InvalidInput, match="so correct new_username in the task"):
        world.customer(username="bob@example.com", new_username=ANN)


@pytest.mark.parametrize("name", ["username", "new_username", "email"])
@pytest.mark.parametrize("value", ["x@y.example ", "\tx@y.example", "x\u00ad@y.example", "x@y.example\ufe0f"])
def test_names_with_what_nobody_sees_are_refused_before_any_call(world, name, value):
    with pytest.raises(InvalidInput, match=f"{name} '.*' holds characters that nobody sees: U[+]"):
        world.customer(**{name: value})
    if name == "username":
        with pytest.raises(InvalidInput, match="username '"):
            world.password(username=value)
    assert world.http.calls == []


def test_a_filter_that_cannot_be_sent_is_refused(world):
    with pytest.raises(InvalidInput, match="city"):
        world.info(city="a\ud800")
    assert world.http.calls == []


def test_an_error_of_a_list_is_one_sentence_without_a_secret(world):
    world.put(FakeService(), list=["refused*"])
    with pytest.raises(CollectionError) as caught:
        world.info()
    assert str(caught.value).startswith("Could not list customers: ")
    assert "Not today" in str(caught.value)
    assert KEY not in str(caught.value)


# reseller_customer_password


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_password_that_is_right_stays(world, check_mode):
    result = world.password(check_mode, password="ann-pass")
    assert (result["changed"], result["operations"], result["unverified"]) == (False, [], [])
    assert world.http.operations == ["list", "check_password"]


def test_a_password_that_differs_is_set_once(world):
    assert world.password(check_mode=True)["changed"] is True
    assert world.http.writes == []
    result = world.password()
    assert (result["changed"], result["unverified"], made(result)) == (True, [], [("set_password", "applied")])
    assert world.service.customers[ANN]["password"] == PASSWORD
    assert world.password()["changed"] is False


def test_force_sets_without_a_check(world):
    result = world.password(password="ann-pass", force=True)
    assert result["changed"] is True
    assert world.http.operations == ["list", "set_password"]


def test_a_server_without_a_check_gets_a_plain_reset(world):
    world.put(FakeService(STORED_ANN, knows_check=False))
    for _run in range(2):
        result = world.password()
        assert (result["changed"], result["unverified"]) == (True, ["password"])


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("force", [True, False])
def test_a_customer_who_is_not_there_has_no_password(world, check_mode, force):
    with pytest.raises(InvalidInput, match=EVE):
        world.password(check_mode, username=EVE, force=force)
    assert world.http.writes == []


def test_a_short_password_is_refused_before_any_call(world):
    with pytest.raises(InvalidInput, match="password"):
        world.password(password="12345")
    assert world.http.calls == []


def test_a_new_password_shows_nowhere(world):
    result = world.password()
    assert PASSWORD not in repr(result) and KEY not in repr(result)
    assert result["diff"]["after"]["password"] == "********"
    assert "password" not in result["diff"]["before"]


def test_a_password_whose_fate_is_unknown(world):
    world.put(FakeService(STORED_ANN), set_password=["lost_before*"], check_password=["fine", "refused*"])
    result = world.password()
    assert result["failed"] is True
    assert made(result) == [("set_password", "unknown")]
    assert PASSWORD not in repr(result)


def test_whatever_happens_is_a_result(world):
    """A failure of each kind through the whole of a module."""
    for faults in (
        {"list": ["lost_before*"]},
        {"list": ["busy*"]},
        {"list": ["broken_after*"]},
        {"list": ["refused*"]},
    ):
        world.put(FakeService(STORED_ANN), **faults)
        result = run_task(functools.partial(_call, world), {}, False)
        assert result["failed"] is True and result["changed"] is False
        assert "internal error" not in result["msg"] and KEY not in result["msg"] and "?" not in result["msg"]


def _call(world, _options, check_mode, _connect):
    return world.customer(check_mode, city="Bath")
