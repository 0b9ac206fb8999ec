# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that the role fleet_report writes: about customers who try to break out of it, and about those of API v3."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.sandbox import fleet
from tests.sandbox.seed import DEMO_V3_KEY

from .conftest import ACCOUNT, PASSWORD, seeded
from .pages import Element, parse
from .running import SUBUSERS, Ansible, Sandbox
from .sandbox_v3 import V3_KEY
from .test_fleet_report import counters, done, kinds, report, role, section

# One page, or one run, is enough for all tests.
pytestmark = pytest.mark.xdist_group("fleet_report_page")

NASTY = {
    "first_name": "{{ 7 * 7 }}",
    "last_name": "]]>\"'--><!--",
    "address": "[1,  2]",
    "city": "\u202egnp.exe\u2066",
    "state": "{% raw %}",
    "zip": "</td></tr></table>",
    "country": "<b>Land</b>",
}

# Attributes by which a page loads something, sends something, or looks otherwise than its policy lets it.
LOADING = {"src", "href", "xlink:href", "action", "style", "srcset", "data", "poster"}
COLUMNS = ["region" if name == "state" else name for name in NASTY]


@pytest.fixture(scope="module")
def crowd_page(tmp_path_factory: pytest.TempPathFactory, collections_path: Path) -> str:
    """A page about customers of fourteen countries, and one whose every value is an attempt to break out.

    With a drift that has all of the nasty values before and after.
    """
    folder = tmp_path_factory.mktemp("crowd")
    seed = folder / "seed.json"
    customers = [
        seeded(f"user{number:02d}@example.com", country=f"<b>C{number % 13}", password=PASSWORD) for number in range(30)
    ]
    nasty = seeded("<script>alert(1)</script>", email="x@example.com", **NASTY)
    seed.write_text(json.dumps({"accounts": [ACCOUNT], "customers": [*customers, nasty]}), encoding="utf-8")
    sandbox = Sandbox("--behaviour", "documented", "--seed", str(seed))
    ansible = Ansible(sandbox, folder, collections_path, **ACCOUNT, defaults={"retries": 0})
    declared = [
        {
            "username": "<script>alert(1)</script>",
            "address": "{{ '<i>' }}{# #}",
            "zip": "{'a':   1}",
            "country": "True",
        },
        {"username": "<img src=x onerror=alert(1)>@example.com"},
    ]
    # What a playbook holds is a template; so the text comes as a value that Ansible does not evaluate.
    variables = folder / "declared.json"
    variables.write_text(json.dumps(declared), encoding="utf-8")
    lookup = f"{{{{ lookup('ansible.builtin.file', '{variables}') | from_json }}}}"
    done(report(ansible, customers=lookup, title="Ours & <theirs>", columns=COLUMNS))
    assert sandbox.stop() == (0, "", "")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_text_of_the_server_is_only_text(crowd_page: str) -> None:
    page = parse(crowd_page)
    expected = [value.replace("\u202e", "\ufffd").replace("\u2066", "\ufffd") for value in NASTY.values()]
    [row] = [row for row in page.one("table", id="customers").all("tr") if "script" in row.text]
    assert [cell.raw_text for cell in row.parts if isinstance(cell, Element)] == [
        "<script>alert(1)</script>",
        *expected,
    ]
    assert page.one("h1").raw_text == "Ours & <theirs>"
    found = kinds(page)
    assert ["<script>alert(1)</script>"] in found["To update 1"]
    assert ["Address", "[1, 2]", "{{ '<i>' }}{# #}"] in found["To update 1"]
    assert ["Postal code", "</td></tr></table>", "{'a': 1}"] in found["To update 1"]
    assert ["Country", "<b>Land</b>", "True"] in found["To update 1"]
    assert "{'a':   1}" in page.raw_text
    assert [name for name, _message in found["Cannot be planned 1"][1:]] == ["<img src=x onerror=alert(1)>@example.com"]
    assert len(page.all("script")) == 1
    assert {element.tag for element in page.descendants()} & {"b", "i", "img", "a", "link", "iframe"} == set()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f-\x9f]", crowd_page)


def test_the_chart_has_ten_bars_and_the_rest(crowd_page: str) -> None:
    described = section(parse(crowd_page), "counts").one("desc").raw_text
    bars = re.findall(r"([^:;]+): (\d+)[;.]", described)
    assert [int(number) for _name, number in bars] == [3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 7]
    assert [name.strip() for name, _number in bars[:4]] == ["<b>C0", "<b>C1", "<b>C2", "<b>C3"]
    assert bars[-1][0].strip() == "4 more"
    assert sum(int(number) for _name, number in bars) == 31


def test_nothing_leaves_the_page(crowd_page: str) -> None:
    page = parse(crowd_page)
    names = {name for element in page.descendants() for name in element.attributes}
    assert names & LOADING == set()
    assert [name for name in names if name.startswith("on")] == []
    style, script = page.one("style").raw_text, page.one("script").raw_text
    assert not re.search(r"url\(|@import|image-set|//", re.sub(r"https://www\.gnu\.org\S+", "", style))
    assert not re.search(r"fetch|XMLHttp|WebSocket|sendBeacon|import\(|location|innerHTML|eval", script)


def test_the_policy_lets_only_the_own_style_and_script_work(crowd_page: str) -> None:
    page = parse(crowd_page)
    [policy] = page.all("meta", http_equiv="Content-Security-Policy")
    directives = dict(part.strip().split(" ", 1) for part in str(policy.attributes["content"]).split(";"))
    hashes = {
        name: base64.b64encode(hashlib.sha256(page.one(name).raw_text.encode()).digest()).decode()
        for name in ("style", "script")
    }
    # Whoever changes page.css or page.js puts the new hash into vars/main.yml.
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'sha256-{hashes['style']}'",
        "script-src": f"'sha256-{hashes['script']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_table_can_be_sorted_with_a_keyboard(crowd_page: str) -> None:
    """Headers hold buttons, which the script enables: without it they are plain text."""
    page = parse(crowd_page)
    headers = page.one("table", id="customers").one("thead").all("th")
    assert [header.one("button").attributes.get("type") for header in headers] == ["button"] * 8
    assert ["disabled" in header.one("button").attributes for header in headers] == [True] * 8
    assert [header.attributes.get("aria-sort") for header in headers] == ["ascending", *[None] * 7]
    assert "hidden" in page.one("div", id="tools").attributes
    ids = [element.attributes["id"] for element in page.descendants() if "id" in element.attributes]
    assert len(set(ids)) == len(ids)
    script = page.one("script").raw_text
    assert set(re.findall(r'find\("(\w+)"\)', script)) <= set(ids)
    pointed_at = {
        str(element.attributes[name])
        for element in page.descendants()
        for name in ("aria-labelledby", "aria-describedby", "for")
        if name in element.attributes
    }
    assert pointed_at <= set(ids)


def test_the_account_is_on_the_page(crowd_page: str) -> None:
    account = parse(crowd_page).one("p", class_="account")
    assert account.one("bdi", class_="name").text == ACCOUNT["api_user"]
    assert re.fullmatch(r"Account acme at http://127\.0\.0\.1:\d+/apiv2", account.text)


def test_an_api_key_of_api_v2_names_no_account(tmp_path: Path, collections_path: Path) -> None:
    """It takes the word apikey in place of a name."""
    account = {**ACCOUNT, "api_user": "apikey"}
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"accounts": [account], "customers": []}), encoding="utf-8")
    sandbox = Sandbox("--behaviour", "observed", "--seed", str(seed))
    done(report(Ansible(sandbox, tmp_path, collections_path, **account, defaults={"retries": 0})))
    assert sandbox.stop() == (0, "", "")
    page = parse((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.one("p", class_="account").text == f"Account at {sandbox.api_url}"


# Customers of API v3

BARE = {"email": "post@example.com", "password": f"{PASSWORD}-and-more"}
V3_FLEET = 54
PROFILE = ["First name", "Last name", "City", "Region", "Country"]
SHOWN = ["Username", "E-mail", *PROFILE, "May send", "Website access"]


@pytest.fixture(scope="module")
def v3_pages(tmp_path_factory: pytest.TempPathFactory, collections_path: Path) -> dict[str, str]:
    """Pages about generated customers: with their profiles, and without."""
    folder = tmp_path_factory.mktemp("v3")
    sandbox = Sandbox("--behaviour", "observed", "--customers", str(V3_FLEET))
    ansible = Ansible(sandbox, folder, collections_path, "", DEMO_V3_KEY, {"retries": 0}, api=SUBUSERS)
    done(ansible.play([*role("read.html"), *role("unread.html", details=[])]))
    assert sandbox.stop() == (0, "", "")
    return {name: (folder / f"{name}.html").read_text(encoding="utf-8") for name in ("read", "unread")}


def as_shown(number: int, columns: list[str]) -> list[str]:
    """What the page has of a generated customer."""
    customer = {**fleet.customer(number), "may_send": "yes", "website_access": "unknown"}
    names = {"E-mail": "email", "Region": "state"}
    return [str(customer[names.get(label, label.lower().replace(" ", "_"))]) for label in columns]


@pytest.mark.parametrize(
    ("name", "columns"), [("read", SHOWN), ("unread", [label for label in SHOWN if label not in PROFILE])]
)
def test_the_table_has_a_column_for_what_was_read(v3_pages: dict[str, str], name: str, columns: list[str]) -> None:
    page = parse(v3_pages[name])
    header, *rows = page.one("table", id="customers").rows()
    assert header == columns
    assert rows == [as_shown(number, columns) for number in range(1, V3_FLEET + 1)]
    labels = {str(cell.attributes["data-label"]) for cell in page.one("table", id="customers").all("td")}
    assert labels == set(columns) - {"Username"}
    assert ("Not read" in section(page, "customers").text) is (name == "unread")
    # A null of the result is a word of the page, or nothing.
    assert not re.search(r"\b(?:None|null)\b", page.text)


def test_what_was_not_read_is_not_counted(v3_pages: dict[str, str]) -> None:
    read, unread = (section(parse(v3_pages[name]), "counts") for name in ("read", "unread"))
    assert counters(read) == counters(unread)
    assert counters(read)["may send"] == counters(read)["website access unknown"] == V3_FLEET
    bars = re.findall(r": (\d+)[;.]", read.one("desc").text)
    assert sum(map(int, bars)) == V3_FLEET
    assert unread.all("svg") == unread.all("figure") == []


@pytest.mark.parametrize("name", ["read", "unread"])
def test_nothing_leaves_a_page_of_api_v3(v3_pages: dict[str, str], name: str) -> None:
    page = parse(v3_pages[name])
    assert not {attribute for element in page.descendants() for attribute in element.attributes} & LOADING
    assert {element.tag for element in page.descendants()} & {"img", "a", "link", "iframe"} == set()


# What else API v3 tells of customers

ADA, BEN, EVA = "ada@example.com", "ben@example.com", "eva@example.com"
RICH_ACCOUNT = {
    **ACCOUNT,
    "v3_key": V3_KEY,
    "ips": ["192.0.2.2", "192.0.2.10", "192.0.2.7"],
    "domains": [{"domain": "ada.example", "subdomain": "mail"}, {"domain": "ours.example", "subdomain": "mail"}],
}
RICH = [
    seeded(
        ADA, ips=["192.0.2.10", "192.0.2.2"], credits={"type": "recurring", "total": 5000, "reset_frequency": "daily"}
    ),
    seeded(BEN, credits={"type": "nonrecurring", "total": 20}),
]
FURTHER = {"details": ["ips", "credits", "whitelabel"], "columns": ["email"]}
DECLARED = [
    {
        "username": ADA,
        "ips": ["192.0.2.7"],
        "credits": {"type": "recurring", "total": 100, "reset_frequency": "monthly"},
        "whitelabel": "ours.example",
    },
    {"username": BEN, "ips": [], "credits": {"type": "unlimited"}, "whitelabel": ""},
]


@pytest.fixture(scope="module")
def rich_pages(tmp_path_factory: pytest.TempPathFactory, collections_path: Path) -> dict[str, str]:
    """Pages about customers with IP addresses, credits and a domain: of the account, and with one of the EU."""
    folder = tmp_path_factory.mktemp("rich")
    seed = folder / "seed.json"
    seed.write_text(json.dumps({"accounts": [RICH_ACCOUNT], "customers": RICH}), encoding="utf-8")
    sandbox = Sandbox("--behaviour", "observed", "--seed", str(seed))
    ansible = Ansible(sandbox, folder, collections_path, "", V3_KEY, {"retries": 0}, api=SUBUSERS)
    domain = {"mailfleet.sendgrid.reseller_customer": {"username": ADA, "whitelabel": "ada.example"}}
    eva = {"mailfleet.sendgrid.reseller_customer": {**BARE, "username": EVA, "data_residency": "eu"}}
    assert ansible.play([domain]).status == 0
    pages = [*role("plain.html", details=[]), *role("rich.html", **FURTHER, customers=DECLARED)]
    done(ansible.play(pages))
    assert ansible.play([eva]).status == 0
    named = ["data_residency", "ips", "email"]
    done(ansible.play([*role("mixed.html", details=[]), *role("named.html", details=["ips"], columns=named)]))
    assert sandbox.stop() == (0, "", "")
    return {name: (folder / f"{name}.html").read_text(encoding="utf-8") for name in ("plain", "rich", "mixed", "named")}


def rows_of(page: str) -> list[list[str]]:
    rows: list[list[str]] = parse(page).one("table", id="customers").rows()
    return rows


def test_details_that_were_read_have_columns(rich_pages: dict[str, str]) -> None:
    assert rows_of(rich_pages["rich"]) == [
        ["Username", "E-mail", "IP addresses", "Credits", "Whitelabel"],
        [ADA, ADA, "192.0.2.2, 192.0.2.10", "recurring: 5,000 daily", "mail.ada.example"],
        [BEN, BEN, "", "nonrecurring", ""],
    ]
    assert rows_of(rich_pages["plain"])[0] == ["Username", "E-mail", "May send", "Website access"]


def test_the_table_tells_where_data_reside_if_not_all_are_global(rich_pages: dict[str, str]) -> None:
    header, *rows = rows_of(rich_pages["mixed"])
    assert header == ["Username", "E-mail", "May send", "Website access", "Data residency"]
    assert [row[-1] for row in rows] == ["global", "global", "eu"]


def test_a_column_that_is_named_keeps_its_place(rich_pages: dict[str, str]) -> None:
    header, *rows = rows_of(rich_pages["named"])
    assert header == ["Username", "Data residency", "IP addresses", "E-mail"]
    assert rows[2] == [EVA, "eu", "", BARE["email"]]


def test_the_drift_shows_what_would_become_of_them(rich_pages: dict[str, str]) -> None:
    _head, *rows = kinds(parse(rich_pages["rich"]))["To update 2"]
    ben = rows.index([BEN])
    assert (rows[0], sorted(rows[1:ben])) == (
        [ADA],
        [
            ["Credits", "recurring: 5,000 daily", "recurring: 100 monthly"],
            ["IP addresses", "192.0.2.2, 192.0.2.10", "192.0.2.7"],
            ["Whitelabel", "mail.ada.example", "ours.example"],
        ],
    )
    assert rows[ben + 1 :] == [["Credits", "nonrecurring", "unlimited"]]
