# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role works out of its variables and of results."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import SUMMARY
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_role import (
    check_variables,
    kept_warnings,
    summarize,
    unmanaged,
)
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_rows import merged

SETTINGS = {"batch_size": 0, "names_shown": 20, "max_deletions": "", "concurrency": "8", "purge": False}


def rows(count: int) -> list[dict[str, Any]]:
    return [{"username": f"c{number}@example.com"} for number in range(count)]


def batch(results: list[dict[str, Any]], **summary: int) -> dict[str, Any]:
    changed = any(item["changed"] for item in results)
    counts = {**dict.fromkeys(SUMMARY, 0), **summary}
    return {"changed": changed, "summary": counts, "results": results, "unverified": {}}


def item(username: str, operation: str, status: str = "applied", msg: str = "") -> dict[str, Any]:
    operations = [{"name": operation, "status": status}]
    return {"username": username, "changed": not msg, "failed": bool(msg), "msg": msg, "operations": operations}


@pytest.mark.parametrize(
    ("count", "size", "bounds"),
    [(0, 0, []), (0, 5, []), (3, 0, [(0, 3)]), (3, 3, [(0, 3)]), (3, 2, [(0, 2), (2, 3)]), (2, 5, [(0, 2)])],
)
def test_batches_hold_each_customer_once(count: int, size: int, bounds: list[tuple[int, int]]) -> None:
    report = check_variables(rows(count), {}, {}, {**SETTINGS, "batch_size": size})
    assert report["problems"] == []
    assert [(one["first"], one["last"]) for one in report["batches"]] == bounds
    assert sum(one["size"] for one in report["batches"]) == report["customers"] == count


def test_many_problems_are_cut_and_make_no_batch() -> None:
    report = check_variables([{**row, "citty": "x"} for row in rows(50)], {}, {}, SETTINGS)
    assert len(report["problems"]) == 21
    assert report["problems"][-1] == "and 30 more"
    assert report["batches"] == []


def test_an_option_of_one_family_only_is_left_to_the_module() -> None:
    for option in ({"package": "Bronze"}, {"mail_domain": "example.com"}):
        assert check_variables([{**rows(1)[0], **option}], {}, {}, SETTINGS)["problems"] == []


def test_unmanaged_customers_are_named_by_no_name_of_the_fleet_whatever_its_case() -> None:
    fleet = [{"username": "Ada"}, {"username": "ben", "new_username": "bo"}, {"username": "cleo", "state": "absent"}]
    assert unmanaged(["ada", "bo", "cleo", "dora"], fleet) == [{"username": "dora", "state": "absent"}]


def test_unmanaged_customers_that_look_like_one_of_the_fleet_are_kept_and_told_of() -> None:
    fleet = [{"username": "zoe\u0308"}, {"username": 4711}]
    names = ["zo\u00eb", "4711", "odd ", "dora"]
    assert unmanaged(names, fleet) == [{"username": "dora", "state": "absent"}]
    odd, alike = kept_warnings(names, fleet)
    assert "'odd<U+0020>'" in odd
    assert "'zo\u00eb' looks like 'zoe\u0308'" in alike
    assert kept_warnings(["dora"], fleet) == []


def test_a_customer_that_somebody_renamed_is_told_of_when_the_account_is_known() -> None:
    account = [{"username": "new@x", "email": "Ada@Example.com"}, {"username": "ben", "email": "b@x"}]
    rows = [{"username": "ben"}, {"username": "ada@example.com"}]
    settings = {**SETTINGS, "purge": True, "max_deletions": 1}
    report = check_variables(rows, {"email": "ada@example.com"}, {}, settings, account)
    assert [problem.split(":")[0] for problem in report["problems"]] == ["fleet_customers[1] ('ada@example.com')"]
    assert "give new_username: new@x" in report["problems"][0]
    assert check_variables(rows, {"email": "ada@example.com"}, {}, settings)["problems"] == []
    assert check_variables(rows, {"email": "ada@example.com"}, {}, SETTINGS, account)["problems"] == []
    named = [*rows, {"username": "new@x"}]
    assert check_variables(named, {"email": "ada@example.com"}, {}, settings, account)["problems"] == []


def test_batches_are_summed() -> None:
    first = summarize({}, batch([item("a", "create"), item("b", "set_profile")], created=1, updated=1), 2, 20)
    second = summarize(first, batch([item("c", "delete", "failed", "No.")], failed=1, unchanged=1), 2, 20)
    assert first["failed"] is False and first["created"] == ["a"], "what was before must stay as it was"
    assert second["changed"] is True and second["failed"] is True
    assert second["lines"] == [
        "4 customers: 1 created, 1 updated, 1 unchanged, 1 failed",
        "created: a",
        "updated: b",
        "failed: c: No.",
    ]


def test_who_was_not_reached() -> None:
    refused = summarize({}, {"failed": False, "msg": "Could not list customers."}, 3, 20)
    skipped = summarize(refused, {"skipped": True, "msg": "Conditional result was False"}, 2, 20)
    assert skipped["summary"]["not_reached"] == 5
    assert skipped["lines"] == ["5 customers: 5 not reached", "Could not list customers."]
    assert skipped["failed"] is True


def test_names_are_cut() -> None:
    many = [item(f"c{number}", "create", "planned") for number in range(5)]
    report = summarize({}, batch(many, created=5), 5, 2)
    assert report["lines"] == [
        "5 customers (check mode, nothing was written): 5 created",
        "created: c0, c1, and 3 more",
    ]
    assert len(report["created"]) == 5


def test_nothing_yet() -> None:
    report = summarize({}, None, 0, 20)
    assert (report["changed"], report["failed"], report["lines"]) == (False, False, ["0 customers: nothing to do"])


QUOTE_BOOLEAN = "put it in quotes, since YAML takes words such as NO, yes and on for booleans"
QUOTE_NUMBER = "put it in quotes, since YAML drops leading zeros and a plus sign, and takes 12:30 for 750"
ADA = {"username": "ada@example.com"}


class Encrypted:
    """A value that is encrypted by itself, as ansible-core has it before 2.19: no text, but it has one."""

    __ENCRYPTED__ = True

    def __init__(self, data: str) -> None:
        self.data = data


@pytest.mark.parametrize("blank", ["", "  ", "\t\n", None])
def test_what_is_blank_is_not_given(blank) -> None:
    defaults = check_variables(rows(3), {}, {}, {})["settings"]
    assert defaults == {
        "batch_size": 0,
        "names_shown": 20,
        "purge": False,
        "max_deletions": None,
        "concurrency": 8,
        "on_error": "continue",
    }
    assert check_variables(rows(3), blank, blank, dict.fromkeys(defaults, blank)) == check_variables(
        rows(3), {}, {}, {}
    )


def test_the_settings_are_the_values_that_texts_stand_for() -> None:
    given = {"purge": "yes", "max_deletions": "3", "batch_size": "2", "concurrency": "4", "names_shown": "0"}
    report = check_variables(rows(3), {}, {}, {**given, "on_error": "stop"})
    assert report["problems"] == []
    assert report["settings"] == {
        "purge": True,
        "max_deletions": 3,
        "batch_size": 2,
        "concurrency": 4,
        "names_shown": 0,
        "on_error": "stop",
    }
    for explicit in (False, "no", "False", 0):
        assert check_variables(rows(3), {}, {}, {"purge": explicit})["settings"]["purge"] is False


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ({"purge": "perhaps"}, "fleet_purge must be true or false"),
        ({"on_error": "pause"}, "fleet_on_error must be continue or stop"),
        ({"concurrency": True}, "fleet_concurrency must be a number"),
        ({"batch_size": 1.5}, "fleet_batch_size must be a number"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told(setting, problem) -> None:
    assert check_variables(rows(3), {}, {}, setting)["problems"] == [problem]


def test_a_value_that_is_encrypted_by_itself_is_the_text_that_it_stands_for() -> None:
    customers = [{**ADA, "city": Encrypted("Oslo"), "ip_groups": [Encrypted("News"), "Shop"]}]
    passwords = {"ada@example.com": Encrypted("canary")}
    assert check_variables(customers, {"region": Encrypted("ME")}, passwords, {})["problems"] == []
    assert merged(customers, {"region": Encrypted("ME")}, passwords) == [
        {**ADA, "city": "Oslo", "region": "ME", "password": "canary", "ip_groups": ["News", "Shop"]}
    ]
    [problem] = check_variables([{**ADA, "password": Encrypted("short")}], {}, {}, {})["problems"]
    assert "password is shorter than 6 characters" in problem


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"customers": "canary"}, "fleet_customers must be a list of dicts, and is a text"),
        ({"defaults": ["canary"]}, "fleet_defaults must be a dict, and is a list"),
        ({"passwords": "canary"}, "fleet_passwords must be a dict, and is a text"),
        ({"concurrency": "many"}, "fleet_concurrency must be a number"),
        ({"batch_size": "many"}, "fleet_batch_size must be a number"),
        ({"batch_size": -1}, "fleet_batch_size must not be negative"),
        ({"names_shown": "-1"}, "fleet_names_shown must not be negative"),
        (
            {"customers": [], "purge": True, "max_deletions": 1},
            "fleet_purge with no fleet_customers would delete every customer of the account",
        ),
        ({"defaults": {"username": "x"}}, "fleet_defaults must not hold username"),
        ({"defaults": {"new_username": "x@example.com"}}, "fleet_defaults must not hold new_username"),
        (
            {"passwords": {"zoe@example.com": ["canary"]}},
            "fleet_passwords: the password of 'zoe@example.com' must be a text, and is a list",
        ),
        ({"customers": [{"city": "Oslo"}]}, "fleet_customers[0]: username is missing"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_the_role(variables, problem) -> None:
    settings = {name: variables.get(name, value) for name, value in SETTINGS.items()}
    given = {"customers": [ADA], "defaults": {}, "passwords": {}, **variables}
    report = check_variables(given["customers"], given["defaults"], given["passwords"], settings)
    assert report["problems"] == [problem]
    assert report["batches"] == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"citty": "canary"}, "there is no option 'citty'"),
        ({"active": "perhaps"}, "active must be true or false, and is a text 'perhaps'"),
        ({"city": {"canary": 1}}, "city must be a text, and is a dict"),
        ({"ip_groups": [["canary"]]}, "ip_groups[0] must be a text, and is a list"),
        ({"ip_groups": {"canary": 1}}, "ip_groups must be a list of texts, and is a dict"),
        ({"state": "gone"}, "state must be present or absent, and is 'gone'"),
        ({"password": ["canary"]}, "password must be a text, and is a list"),
        ({"password": 47114711}, f"password must be a text, and is a number; {QUOTE_NUMBER}"),
        ({"country": False}, f"country must be a text, and is a boolean; {QUOTE_BOOLEAN}"),
        ({"new_username": True}, f"new_username must be a text, and is a boolean; {QUOTE_BOOLEAN}"),
        ({"ip_groups": ["a", True]}, f"ip_groups[1] must be a text, and is a boolean; {QUOTE_BOOLEAN}"),
        ({"ip_groups": "News, Marketing"}, "ip_groups[1] ' Marketing' begins or ends with a blank"),
        ({"ip_groups": ["News", ""]}, "ip_groups[1] is empty"),
    ],
)
def test_an_option_that_is_wrong_is_told_with_its_customer_and_without_a_secret(options, problem) -> None:
    [told] = check_variables([{**ADA, **options}], {}, {}, SETTINGS)["problems"]
    assert told == f"fleet_customers[0] ('ada@example.com'): {problem}"
    assert "canary" not in told


def test_the_limits_of_the_module_are_told_by_the_names_of_the_role() -> None:
    [first, second] = check_variables([ADA], {}, {}, {**SETTINGS, "concurrency": 0, "max_deletions": -1})["problems"]
    assert sorted(text.split()[0] for text in (first, second)) == ["fleet_concurrency", "fleet_max_deletions"]
    [twice] = check_variables([ADA, {"username": "ADA@example.com"}], {}, {}, SETTINGS)["problems"]
    assert "fleet_customers[0]" in twice and "fleet_customers[1]" in twice


def test_texts_for_booleans_numbers_for_texts_and_a_text_for_a_list_are_taken_as_the_module_takes_them() -> None:
    row = {**ADA, "active": "yes", "zip": 4101, "ip_groups": "a,b", "city": None}
    assert check_variables([row], {}, {"ada@example.com": None}, SETTINGS)["problems"] == []


def test_what_is_wrong_with_shared_values_is_told_once_and_not_for_each_customer() -> None:
    defaults = {"country": False, "citty": "canary", "city": "Oslo"}
    passwords = {"c0@example.com": 47114711, "c1@example.com": "good-4711", "c2@example.com": True}
    assert check_variables(rows(3), defaults, passwords, SETTINGS)["problems"] == [
        "fleet_defaults: there is no option 'citty'",
        f"fleet_defaults: country must be a text, and is a boolean; {QUOTE_BOOLEAN}",
        f"fleet_passwords: the password of 'c0@example.com' must be a text, and is a number; {QUOTE_NUMBER}",
        f"fleet_passwords: the password of 'c2@example.com' must be a text, and is a boolean; {QUOTE_BOOLEAN}",
    ]


def test_a_wrong_kind_does_not_hide_what_else_is_wrong_with_a_customer() -> None:
    row = {**ADA, "country": False, "zip": "1" * 51, "active": "perhaps"}
    told = check_variables([row, {"username": ["canary"]}], {}, {}, SETTINGS)["problems"]
    assert [text.rpartition(": ")[2].split(" ")[0] for text in told] == ["country", "active", "zip", "username"]
    assert told[-1] == "fleet_customers[1]: username must be a text, and is a list"


def test_omitted_shared_values_are_no_problem() -> None:
    shared = {"country": "__omit__"}, {"c0@example.com": "__omit__"}
    assert check_variables(rows(1), *shared, SETTINGS, "__omit__")["problems"] == []
