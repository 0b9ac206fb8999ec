# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role fleet_report: a page about the customers in the sandbox."""

from __future__ import annotations

import json
import os
import re
import socket
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .conftest import (
    ACCOUNT,
    PASSWORD,
    both_apis_in_json,
    in_shared_playbook,
    only_direct,
    only_json,
    only_observed,
    only_v3,
    seeded,
)
from .pages import Element, parse
from .running import SUBUSERS, Ansible, Run, Sandbox
from .sandbox_v3 import V3_KEY
from .test_fleet_role import suited
from .test_purge import created_by_hand

ROLE = "mailfleet.sendgrid.fleet_report"
KEYS = (ACCOUNT["api_key"], V3_KEY)
NEW = 'canary-new "4711" & <ü>'
pytestmark = only_direct


@pytest.fixture
def page_path(ansible: Ansible) -> Path:
    return ansible.folder / "page.html"


def role(page: str = "page.html", **variables: Any) -> list[dict[str, Any]]:
    """Runs the role, with a `page` in the folder of the run. `variables`: those of the role without their prefix."""
    given = {"path": f"{{{{ playbook_dir }}}}/{page}", **variables}
    return [
        {
            "name": "Report",
            "ansible.builtin.include_role": {"name": ROLE},
            "vars": {f"fleet_report_{name}": value for name, value in given.items() if value is not None},
        }
    ]


def report(ansible: Ansible, *arguments: str, **variables: Any) -> Run:
    """One run of the role. `environment`, `vars`: of the play."""
    play = {name: variables.pop(name) for name in ("environment", "vars") if name in variables}
    return ansible.play(role(**variables), *arguments, **play)


def page_of(run: Run, page: str) -> Element:
    return parse((run.folder / page).read_text(encoding="utf-8"))


def done(run: Run) -> Run:
    assert run.status == 0, run.output
    assert written(run) == []
    assert "[WARNING]" not in run.output
    return run


def written(run: Run) -> list[str]:
    return [operation for step in run.steps for operation in step.written]


def called(run: Run) -> list[str]:
    return [operation for step in run.steps for operation in step.called]


def reads(ansible: Ansible, lists: int = 1, profiles: int = 3, **others: int) -> Counter[str]:
    """What it takes to list the customers, `lists` times; a list of API v3 takes a second page, and has no profiles.

    `profiles`: how many are read in all, by as many tasks as list. `others`: calls of either API beside these.
    """
    if not ansible.is_v3:
        return Counter(list=lists) + Counter(others)
    return Counter(list=2 * lists, get_username=lists, get_profile=profiles) + Counter(others)


def changes(run: Run) -> int:
    """How many tasks say that they changed something."""
    found = re.search(r"changed=(\d+)", run.output)
    assert found, run.output
    return int(found[1])


def counters(section: Element) -> dict[str, int]:
    return {
        counter.one("dt").text: int(counter.one("dd").text.replace(",", "")) for counter in section.one("dl").all("div")
    }


def section(page: Element, name: str) -> Element:
    return page.one("section", aria_labelledby=f"{name}-title")


def kinds(page: Element) -> dict[str, list[list[str]]]:
    """The rows below each heading of the drift. A heading tells how many customers there are."""
    found = {}
    for details in section(page, "drift").all("details"):
        found[details.one("h3").text] = details.rows() or [[item.text] for item in details.all("li")]
    return found


@in_shared_playbook(lambda: role("list.html"))
@both_apis_in_json
def test_the_list(played: Run, ansible: Ansible, sandbox: Sandbox) -> None:
    run = done(played)
    assert Counter(called(run)) == reads(ansible)
    assert [step.result["changed"] for step in run.steps].count(True) == 1
    assert (run.folder / "list.html").stat().st_mode & 0o777 == 0o600
    page = page_of(run, "list.html")
    assert page.one("title").text == page.one("h1").text == "SendGrid customers"
    assert page.one("header").one("p").text.startswith("3 customers. Seen in this state since ")
    # An API key of API v3 says by itself which account it is.
    url = sandbox.v3_url if ansible.is_v3 else sandbox.api_url
    name = "" if ansible.is_v3 else f"{ACCOUNT['api_user']} "
    assert page.one("p", class_="account").text == f"Account {name}at {url}"
    # Only the observed service shows website access, and API v3 never.
    shown = sandbox.behaviour == "observed" and not ansible.is_v3
    assert counters(section(page, "counts")) == {
        "customers": 3,
        "may send": 2,
        "may not send": 1,
        "with website access": 2 if shown else 0,
        "without website access": 1 if shown else 0,
        "website access unknown": 0 if shown else 3,
    }
    header, *rows = page.one("table", id="customers").rows()
    assert header == [
        "Username",
        "E-mail",
        "First name",
        "Last name",
        "City",
        "Region",
        "Country",
        "May send",
        "Website access",
    ]
    stored = [played.customers[f"{name}@example.com"] for name in ("ada", "ben", "cleo")]
    assert rows == [
        [
            *(customer[name] for name in ("username", "email", "first_name", "last_name", "city", "state", "country")),
            "yes" if customer["active"] else "no",
            ("yes" if customer["website_access"] else "no") if shown else "unknown",
        ]
        for customer in stored
    ]
    assert section(page, "counts").one("desc").text == "US: 3."
    assert page.all("section", aria_labelledby="drift-title") == []


@both_apis_in_json
@only_observed
def test_a_second_run_leaves_the_page_as_it_is(ansible: Ansible, sandbox: Sandbox, page_path: Path) -> None:
    fleet = {"customers": [{"username": "ada@example.com", "city": "Bangor"}]}
    done(report(ansible, **fleet))
    # A page of long ago: only a run that keeps its time can leave it as it is.
    old = re.sub(r"20\d\d-\d\d-\d\d", "2001-01-01", page_path.read_text(encoding="utf-8"))
    assert old.count("2001-01-01") == 3
    page_path.write_text(old, encoding="utf-8")
    assert changes(done(report(ansible, **fleet))) == 0
    assert page_path.read_text(encoding="utf-8") == old
    assert changes(done(report(ansible, "--check", **fleet))) == 0

    assert changes(done(report(ansible, **fleet, title="Another title"))) == 1
    assert "2001-01-01" not in page_path.read_text(encoding="utf-8")
    page_path.write_text(old, encoding="utf-8")
    ansible.play([{"mailfleet.sendgrid.reseller_customer": {"username": "cleo@example.com", "active": False}}])
    assert changes(done(report(ansible, **fleet))) == 1
    assert "2001-01-01" not in page_path.read_text(encoding="utf-8")


@only_json
@only_observed
def test_refresh_writes_the_time_of_each_run(ansible: Ansible, page_path: Path) -> None:
    done(report(ansible, refresh=True))
    old = re.sub(r"20\d\d-\d\d-\d\d", "2001-01-01", page_path.read_text(encoding="utf-8"))
    page_path.write_text(old, encoding="utf-8")
    assert changes(done(report(ansible, refresh=True))) == 1
    assert "2001-01-01" not in page_path.read_text(encoding="utf-8")


@both_apis_in_json
@only_observed
def test_check_mode_writes_nothing(ansible: Ansible, sandbox: Sandbox, page_path: Path) -> None:
    fleet = {"customers": [{"username": "ada@example.com", "state": "absent"}]}
    assert changes(done(report(ansible, "--check", "--diff", **fleet))) == 1
    assert not page_path.exists()
    done(report(ansible, **fleet))
    page = page_path.read_bytes()
    assert changes(done(report(ansible, "--check", **fleet))) == 0
    assert changes(done(report(ansible, "--check"))) == 1
    assert page_path.read_bytes() == page
    assert "ada@example.com" in sandbox.customers()


@both_apis_in_json
@only_observed
def test_the_role_prints_no_wall_of_text(ansible: Ansible, page_path: Path) -> None:
    run = done(report(ansible, "--diff", customers=[{"username": "ada@example.com", "city": "Bangor"}]))
    assert "Bangor" in page_path.read_text(encoding="utf-8")
    assert "example.com" not in run.output
    assert "<td" not in run.output


def fleet(api: str) -> list[dict[str, Any]]:
    """Something of each kind: ada changes, ben is renamed, cleo stays, dora is new, eve lacks fields."""
    dora = {**seeded("dora@example.com"), "region": "ME", "package": "Bronze", "whitelabel": "w.example"}
    del dora["state"], dora["password"]
    cleo = {"username": "cleo@example.com", "password": NEW, "update_password": "always"}
    if api == SUBUSERS:
        # It cannot be given another password.
        cleo["update_password"] = "on_create"
    return [
        {"username": "ada@example.com", "city": "Bangor", "active": False, "company": "Other", "country": "US"},
        {"username": "ben@example.com", "new_username": "bob@example.com", "phone": ""},
        cleo,
        suited(api, dora),
        {"username": "eve@example.com"},
    ]


@in_shared_playbook(
    lambda ansible: role(
        "drift.html", customers=fleet(ansible), defaults={"first_name": "Ada"}, passwords={"dora@example.com": NEW}
    )
)
@both_apis_in_json
def test_the_drift(played: Run, ansible: Ansible, sandbox: Sandbox) -> None:
    run = done(played)
    # With API v3, names that the list lacks are asked for: those of dora, eve and bob.
    others = {"get": 3} if ansible.is_v3 else {"check_password": 1}
    assert Counter(called(run)) == reads(ansible, 2, 6, **others)
    assert played.customers == sandbox.customers()
    page = page_of(run, "drift.html")
    # With API v3, no other password of cleo is one.
    updated = 1 if ansible.is_v3 else 2
    assert counters(section(page, "drift")) == {
        "to create": 1,
        "to update": updated,
        "to rename": 1,
        "to delete": 0,
        "cannot be planned": 1,
        "as declared": 2 - updated,
    }
    assert f"to update: {updated};" in section(page, "drift").one("desc").text
    found = kinds(page)
    assert list(found) == ["Cannot be planned 1", "To create 1", "To rename 1", f"To update {updated}"]
    [_header, [user, message]] = found["Cannot be planned 1"]
    assert user == "eve@example.com"
    assert "does not exist, and cannot be created" in message
    created = dict(row for row in found["To create 1"] if len(row) == 2)
    assert created["City"] == "Portland"
    assert created.get("Package") == (None if ansible.is_v3 else "Bronze")
    assert "Password" not in created
    assert found["To rename 1"][1:] == [
        ["ben@example.com"],
        ["Username", "ben@example.com", "bob@example.com"],
        ["Phone", "555-0112", "empty"],
    ]
    update = found[f"To update {updated}"][1:]
    assert update[0] == ["ada@example.com"]
    assert sorted(update[1:4]) == [
        ["City", "Portland", "Bangor"],
        ["Company", "Lighthouse Books" if ansible.is_v3 else "not shown", "Other"],
        ["May send", "yes", "no"],
    ]
    assert update[4:] == ([] if ansible.is_v3 else [["cleo@example.com"], ["Password", "not shown", "another one"]])
    assert "Customers that the declared fleet does not name are not counted here." in section(page, "drift").text
    # The list of API v2 does not show it.
    compared = "Not compared with the account: company of 1 customer" not in section(page, "drift").text
    assert compared is ansible.is_v3


@in_shared_playbook(lambda: role("purged.html", customers=[{"username": "ada@example.com"}], purge=True))
@both_apis_in_json
@only_observed
def test_purge_shows_who_is_not_declared(played: Run) -> None:
    page = page_of(done(played), "purged.html")
    found = kinds(page)
    assert found == {"To delete 2": [["ben@example.com"], ["cleo@example.com"]]}
    assert counters(section(page, "drift"))["as declared"] == 1
    assert "not counted" not in section(page, "drift").text
    assert len(played.customers) == 4


@both_apis_in_json
@only_observed
def test_the_page_shows_what_a_purge_would_not_do(ansible: Ansible, sandbox: Sandbox, page_path: Path) -> None:
    """Deletions are held back after an error, as in the run itself, and the page names the customers that are kept."""
    created_by_hand(sandbox, "Ada@example.com")
    run = report(ansible, customers=[{"username": "ada@example.com"}, {"username": "eva@example.com"}], purge=True)
    assert (run.status, written(run)) == (0, [])
    page = parse(page_path.read_text(encoding="utf-8"))
    assert list(kinds(page)) == ["Cannot be planned 1"]
    assert counters(section(page, "drift"))["not reached"] == 2
    assert "a purge deletes nothing as long as a customer of the fleet has an error" in section(page, "drift").text
    assert "'Ada@example.com' looks like 'ada@example.com'" in section(page, "drift").text


@in_shared_playbook(lambda: role("no_drift.html", customers=[{"username": "ada@example.com", "city": "Portland"}]))
@both_apis_in_json
@only_observed
def test_no_drift(played: Run) -> None:
    drift = section(page_of(done(played), "no_drift.html"), "drift")
    assert "Nothing differs from the declared fleet." in drift.text
    assert (drift.all("svg"), drift.all("details")) == ([], [])


# What needs a further call for each customer, and which call it is. The list of the page has to do without it.
FURTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "json": ("check_password", {"password": NEW, "update_password": "always"}),
    SUBUSERS: ("get_profile", {"city": "Bangor"}),
}


@pytest.mark.parametrize(
    "ansible,operation,wanted", [(api, *row) for api, row in FURTHER.items()], indirect=["ansible"]
)
@only_observed
def test_customers_that_are_not_reached(
    ansible: Ansible, sandbox: Sandbox, page_path: Path, operation: str, wanted: dict[str, Any]
) -> None:
    """An error that would affect every further call ends the plan. The results before it are still shown."""
    sandbox.set_fault(operation, "redirect", times="forever")
    changed = [{"username": f"{name}@example.com", **wanted} for name in ("ada", "ben", "cleo")]
    done(report(ansible, customers=changed, details=[]))
    drift = section(parse(page_path.read_text(encoding="utf-8")), "drift")
    found = counters(drift)
    assert found["cannot be planned"] + found.get("not reached", 0) == 3
    assert "redirect" in drift.text


@in_shared_playbook(lambda variables: role("wrong.html", **variables))
@both_apis_in_json
@only_observed
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"customers": [{"username": "ada@example.com"}] * 2}, "ada@example.com"),
        ({"customers": [{"user": "ada@example.com"}]}, "fleet_report_customers[0]: unknown option user"),
        ({"purge": True}, "fleet_report_purge needs a declared fleet"),
        ({"purge": True, "customers": []}, "fleet_report_purge with no customers would delete every customer"),
        ({"path": None}, "fleet_report_path"),
        ({"columns": ["email", "company"]}, "fleet_report_columns"),
        ({"filters": {"package": "Gold"}}, "package"),
        ({"chart": "active"}, "fleet_report_chart"),
        ({"details": ["account"]}, "fleet_report_details"),
        ({"path": "/no/such/folder/page.html"}, "/no/such/folder"),
        ({"file": "no-such-fleet.csv"}, "There is no file 'no-such-fleet.csv'"),
        ({"file": "fleet.csv", "customers": []}, "fleet_report_customers and fleet_report_file are mutually exclusive"),
    ],
    ids=[
        "a name twice",
        "an unknown option",
        "purge alone",
        "purge of all",
        "no path",
        "column",
        "filter",
        "chart",
        "details",
        "no folder",
        "no file",
        "two fleets",
    ],
)
def test_what_is_wrong_is_told(played: Run, variables: dict[str, Any], message: str) -> None:
    assert played.status == 2, played.output
    told = [str(step.result["msg"]) for step in played.steps if step.status == "failed"]
    assert len(told) == 1, played.output
    assert message in told[0]
    assert "Traceback" not in played.output
    assert not (played.folder / "wrong.html").exists()
    assert written(played) == []


@only_json
@only_observed
def test_the_own_check_of_the_role_is_one_sentence(ansible: Ansible) -> None:
    """Ansible's own check is off, as in the playbook. It prints the whole argument spec with each error."""
    [task] = role(chart="active", columns=["company"])
    task["ansible.builtin.include_role"]["rolespec_validate"] = False
    run = ansible.play([task])
    assert run.status == 2
    [told] = [step.result["msg"] for step in run.steps if step.status == "failed"]
    assert told.startswith("The variables are not valid: value of fleet_report_c")
    assert "value of fleet_report_chart must be one of: country, region, city, got: active" in told
    assert "fleet_report_columns must be one or more of" in told
    assert "\n" not in told and "argument_spec_data" not in run.output


def made(kind: str, path: Path) -> str:
    """What is no page, at `path` or somewhere else; where it is."""
    if kind == "a folder":
        path.mkdir()
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a socket":
        with closing(socket.socket(socket.AF_UNIX)) as server:
            server.bind(os.path.relpath(path))
    return os.devnull if kind == "a device" else str(path)


@only_json
@only_observed
@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["really", "check"])
@pytest.mark.parametrize("kind", ["a folder", "a FIFO", "a socket", "a device", "a link"])
def test_what_is_no_page_is_told_before_any_call(
    ansible: Ansible,
    sandbox: Sandbox,
    page_path: Path,
    kind: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """None of them is opened. Reading from a FIFO without a writer would wait forever."""
    monkeypatch.chdir(page_path.parent)
    where = made("a FIFO" if kind == "a link" else kind, page_path)
    if kind == "a link":
        link = page_path.with_name("link.html")
        link.symlink_to(page_path)
        where, kind = str(link), "a FIFO"
    # With a time limit, which only a program of its own has.
    run = report(ansible, *arguments, path=where, environment={"ANSIBLE_NOCOLOR": "true"})
    assert run.status == 2, run.output
    [told] = [step.result["msg"] for step in run.steps if step.status == "failed"]
    assert told == f"fleet_report_path must be the path of a file, and '{where}' is {kind}."
    assert sandbox.log() == []


@only_json
@only_observed
def test_a_page_at_the_end_of_a_link(ansible: Ansible, page_path: Path) -> None:
    """One that leads nowhere yet is free."""
    link = page_path.with_name("link.html")
    link.symlink_to(page_path)
    assert changes(done(report(ansible, path=str(link)))) == 1
    assert changes(done(report(ansible, path=str(link)))) == 0


@only_json
@only_observed
def test_the_fleet_of_the_role_fleet_is_the_default(ansible: Ansible, page_path: Path) -> None:
    """Part by part. An empty list or dict is one of this role's own."""
    ada, ben = ({"username": f"{name}@example.com"} for name in ("ada", "ben"))
    theirs = {
        "fleet_customers": [ada, {**ben, "update_password": "always"}],
        "fleet_defaults": {"city": "Bergen"},
        "fleet_passwords": {"ben@example.com": NEW},
    }

    def drift(**own: Any) -> dict[str, list[list[str]]]:
        done(report(ansible, vars=theirs, **own))
        return kinds(parse(page_path.read_text(encoding="utf-8")))

    head = ["Attribute", "Now", "As declared"]
    city, password = ["City", "Portland", "Bergen"], ["Password", "not shown", "another one"]
    both = {"To update 2": [head, ["ada@example.com"], city, ["ben@example.com"], city, password]}
    assert drift() == both
    assert drift(customers=[ada]) == {"To update 1": [head, ["ada@example.com"], city]}
    own = drift(defaults={}, passwords={"ben@example.com": PASSWORD}, purge=True)
    assert own == {"To delete 1": [["cleo@example.com"]]}
    assert drift(customers=[]) == {}


@pytest.mark.parametrize(
    "ansible,place",
    [("json", "fleet.csv"), ("json", "files/fleet.csv"), (SUBUSERS, "fleet.csv")],
    indirect=["ansible"],
)
@only_observed
def test_a_fleet_from_a_file(ansible: Ansible, sandbox: Sandbox, page_path: Path, place: str) -> None:
    """Four ways: the page is new and the same, in check mode and really. Nothing in the file is a template."""
    path = ansible.folder / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        'username,city,phone\nada@example.com,Bergen,{{ 6 * 7 }}\nben@example.com,,"1,2"\n', encoding="utf-8"
    )
    given = {"file": "fleet.csv", "defaults": {"country": "US"}, "purge": True}
    predicted = done(report(ansible, "--check", **given))
    assert (changes(predicted), page_path.exists()) == (1, False)
    first = done(report(ansible, **given))
    page = page_path.read_bytes()
    again = [done(report(ansible, *arguments, **given)) for arguments in (["--check"], [])]
    assert [changes(run) for run in (first, *again)] == [1, 0, 0]
    assert page_path.read_bytes() == page
    # A purge takes a third list of API v3.
    expected = reads(ansible, 2, 5, **({"list": 1} if ansible.is_v3 else {}))
    assert [Counter(called(run)) for run in (predicted, first, *again)] == [expected] * 4
    found = kinds(parse(page.decode()))
    assert list(found) == ["To delete 1", "To update 2"]
    assert ["City", "Portland", "Bergen"] in found["To update 2"]
    assert ["Phone", "555-0112", "{{ 6 * 7 }}"] in found["To update 2"]
    assert ["Phone", "555-0112", "1,2"] in found["To update 2"]


@only_json
@only_observed
def test_where_the_fleet_comes_from(ansible: Ansible, page_path: Path) -> None:
    """This role's own fleet, a list or a file, comes before that of the role fleet, be it the other of the two."""
    for city in ("Oslo", "Lund"):
        (ansible.folder / f"{city}.csv").write_text(f"username,city\nada@example.com,{city}\n", encoding="utf-8")
    theirs = [{"fleet_file": "Oslo.csv"}, {"fleet_customers": [{"username": "ada@example.com", "city": "Oslo"}]}]
    own = [{}, {"file": "Lund.csv"}, {"customers": [{"username": "ada@example.com", "city": "Lund"}]}]
    for variables in theirs:
        for one in own:
            done(report(ansible, vars=variables, **one))
            shown = list(kinds(parse(page_path.read_text(encoding="utf-8"))).values())
            assert len(shown) == 1
            assert ["City", "Portland", "Lund" if one else "Oslo"] in shown[0]


FILTERED = {
    "filters": {"active": False, "city": "Port"},
    "columns": ["username", "zip", "phone"],
    "chart": "region",
}


@in_shared_playbook(lambda: role("filtered.html", **FILTERED))
@both_apis_in_json
@only_observed
def test_filters_and_columns(played: Run) -> None:
    page = page_of(done(played), "filtered.html")
    assert page.one("table", id="customers").rows() == [
        ["Username", "Postal code", "Phone"],
        ["ben@example.com", "04101", "555-0112"],
    ]
    assert "Only customers that match these filters: may send no, city Port." in section(page, "counts").text
    assert section(page, "counts").one("desc").text == "ME: 1."


@in_shared_playbook(lambda: role("nobody.html", filters={"city": "Atlantis"}))
@both_apis_in_json
@only_observed
def test_nobody_is_found(played: Run) -> None:
    page = page_of(done(played), "nobody.html")
    assert set(counters(section(page, "counts")).values()) == {0}
    assert page.one("table", id="customers").one("tbody").all("tr") == []
    assert section(page, "counts").all("svg") == []


# What API v3 may be asked to leave out


UNREAD: dict[str, dict[str, Any]] = {
    "unread": {},
    "of_active": {"filters": {"active": True, "username": "example"}},
    "by_city": {"chart": "city", "columns": ["email", "city", "phone"]},
}


@in_shared_playbook(lambda name: role(f"{name}.html", details=[], **UNREAD[name]))
@only_v3
@only_observed
@pytest.mark.parametrize("name", UNREAD)
def test_without_profiles_the_page_costs_the_list(played: Run, name: str) -> None:
    """Attributes that were not read have no column and are not counted, so no customer seems to lack them."""
    variables = UNREAD[name]
    page = page_of(done(played), f"{name}.html")
    assert called(played) == ["list", "list"]
    header, *rows = page.one("table", id="customers").rows()
    assert header == ["Username", "E-mail"] + ([] if "columns" in variables else ["May send", "Website access"])
    assert [len(row) for row in rows] == [len(header)] * (2 if "filters" in variables else 3)
    assert section(page, "counts").all("svg") == []
    unread = "city, phone" if "columns" in variables else "first name, last name, city, region, country"
    assert f"Not read, and therefore without a column: {unread}." in section(page, "customers").text


@in_shared_playbook(lambda: role("of_filter.html", details=[], filters={"city": "Port"}, columns=["city"]))
@only_v3
@only_observed
def test_a_filter_that_reads_profiles_shows_them(played: Run) -> None:
    page = page_of(done(played), "of_filter.html")
    found = [[f"{name}@example.com", "Portland"] for name in ("ada", "ben", "cleo")]
    assert page.one("table", id="customers").rows() == [["Username", "City"], *found]
    assert called(played).count("get_profile") == 3


@both_apis_in_json
@only_observed
def test_no_secret_comes_out(ansible: Ansible, sandbox: Sandbox, page_path: Path) -> None:
    wanted = fleet(ansible.api)
    for customers, passwords in (
        (wanted, {"dora@example.com": NEW}),
        ([*wanted, {"username": "ada@example.com", "password": NEW}], {"dora@example.com": NEW}),
        ([f'{{"password": "{PASSWORD}"}}', [NEW]], {}),
        (wanted, NEW),
        ({"ada@example.com": NEW}, {}),
    ):
        run = report(ansible, "-vvvv", "--diff", customers=customers, passwords=passwords, purge=True)
        page = page_path.read_text(encoding="utf-8")
        shown = run.output + page + json.dumps([step.result for step in run.steps])
        for secret in (*KEYS, PASSWORD, NEW, "canary"):
            assert secret not in shown
        assert "********" not in page
