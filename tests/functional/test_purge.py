# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a purge must never delete: names that look alike, customers that somebody renamed, and anything after an error.

Each rule in a task and in the role, in check mode and really.
"""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import ACCOUNT, both_apis_in_json, only_direct, only_documented, only_json, only_observed
from .running import Ansible, Run, Sandbox, Step, task
from .test_fleet_role import calls, creatable, result_of, run_role, suited, told

MODULE = "reseller_customers"
ADA, BEN, CLEO = (f"{name}@example.com" for name in ("ada", "ben", "cleo"))
SEEDED = {ADA, BEN, CLEO, "nora@example.com"}
# A purge in a module process is compared in test_direct.py.
pytestmark = only_direct


def by_hand(sandbox: Sandbox, action: str, **values: str) -> None:
    """Somebody else does something in the account."""
    sent = {"api_user": ACCOUNT["api_user"], "api_key": ACCOUNT["api_key"], **values}
    answer = sandbox.http.post(f"{sandbox.api_url}/{action}.json", data=sent, timeout=30)
    assert answer.json() == {"message": "success"}, answer.text


def created_by_hand(sandbox: Sandbox, username: str, **changes: str) -> None:
    values = {**creatable(username), **changes}
    values["state"] = values.pop("region")
    by_hand(sandbox, "reseller.add", **values, confirm_password=values["password"])


def renamed_by_hand(sandbox: Sandbox, username: str, new_username: str) -> None:
    by_hand(sandbox, "reseller.manage", method="profile", task="setUsername", user=username, username=new_username)


def four_ways(ansible: Ansible, **options: Any) -> list[Step]:
    """In check mode, in a real run, and in a second run, whether or not they fail."""
    rows = [suited(ansible.api, row) for row in options.pop("customers")]
    options = {"purge": True, "concurrency": 1, "customers": rows, **options}
    run = ansible.play(
        [task(MODULE, options, check_mode=check, ignore_errors=True) for check in (True, False, True, False)]
    )
    assert len(run.steps) == 4, run.output
    return run.steps


def counted(step: Step) -> dict[str, int]:
    return {name: count for name, count in step.result["summary"].items() if count}


# Names that look alike

UNSEEN = {
    "a blank at the end": ("ada@example.com ", "U+0020 SPACE at the end"),
    "a blank before it": (" ada@example.com", "U+0020 SPACE at the beginning"),
    "a no-break space": ("ada@example.com\u00a0", "U+00A0 NO-BREAK SPACE at the end"),
    "a byte order mark": ("\ufeffada@example.com", "U+FEFF ZERO WIDTH NO-BREAK SPACE at the beginning"),
    "a line break": ("ada@example.com\n", "U+000A LINE FEED at the end"),
    "an invisible character": ("a\u200bda@example.com", "U+200B ZERO WIDTH SPACE at position 2"),
}


@both_apis_in_json
@only_observed
@pytest.mark.parametrize(("name", "text"), UNSEEN.values(), ids=UNSEEN)
def test_a_name_with_what_nobody_sees_deletes_nobody(ansible: Ansible, sandbox: Sandbox, name: str, text: str) -> None:
    """The author of the fleet believes that the customer is in it."""
    rows = [creatable(name, email=ADA), {"username": BEN}, {"username": CLEO}]
    for step in four_ways(ansible, customers=rows, max_deletions=1):
        assert (step.status, step.calls) == ("failed", [])
        assert text in step.result["msg"]
    assert set(sandbox.customers()) == SEEDED


@both_apis_in_json
@only_observed
def test_the_same_through_the_role(ansible: Ansible, sandbox: Sandbox) -> None:
    rows = [suited(ansible.api, creatable("ada@example.com ", email=ADA)), {"username": BEN}, {"username": CLEO}]
    for check_mode in (True, False):
        run = run_role(ansible, check_mode=check_mode, customers=rows, purge=True, max_deletions=1)
        assert (run.status, calls(run)) == (2, [])
        assert "customers[0] ('ada@example.com<U+0020>'): username" in told(run)[0]
    assert set(sandbox.customers()) == SEEDED


LOOK_ALIKES = {
    "decomposed": ("zoe\u0308@example.com", "composed and decomposed letters"),
    "capitals": ("ZO\u00cb@EXAMPLE.COM", "case"),
    "wide": ("\uff5ao\u00eb@example.com", "the width or the form of its characters"),
    "several": ("\uff3aoe\u0308@example.com", "looks alike"),
}


@only_json
@only_documented
@pytest.mark.parametrize(("name", "text"), LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_a_customer_that_looks_like_one_of_the_fleet_is_never_deleted(
    ansible: Ansible, sandbox: Sandbox, name: str, text: str
) -> None:
    created_by_hand(sandbox, "zo\u00eb@example.com")
    before = set(sandbox.customers())
    rows = [creatable(name), {"username": ADA}, {"username": BEN}]
    for step in four_ways(ansible, customers=rows, max_deletions=9):
        assert (step.status, step.called) == ("failed", ["list"])
        # Cleo is not in the fleet.
        assert counted(step) == {"failed": 1, "unchanged": 2, "not_reached": 1}
        assert [text in step.result["msg"], "'zo\u00eb@example.com'" in step.result["msg"]] == [True, True]
    assert set(sandbox.customers()) == before


@both_apis_in_json
@only_observed
def test_a_look_alike_beside_a_customer_of_the_fleet_is_kept_and_told_of(ansible: Ansible, sandbox: Sandbox) -> None:
    created_by_hand(sandbox, "Ada@example.com")
    created_by_hand(sandbox, "odd@example.com\u200b")
    steps = four_ways(ansible, customers=[{"username": ADA}, {"username": BEN}], max_deletions=1)
    assert [counted(step) for step in steps] == [{"unchanged": 2, "deleted": 1}] * 2 + [{"unchanged": 2}] * 2
    for step in steps:
        assert step.status in ("ok", "changed")
        assert any("'Ada@example.com' looks like 'ada@example.com'" in text for text in step.result["warnings"])
        assert any("'odd@example.com<U+200B>'" in text for text in step.result["warnings"])
    assert set(sandbox.customers()) == {ADA, BEN, "Ada@example.com", "odd@example.com\u200b", "nora@example.com"}


# Customers that somebody renamed

EVA, EVA_NEW = "eva@example.com", "eva.new@example.com"
RENAMED = {
    "it would be created": creatable(EVA),
    "it could not be created": {"username": EVA, "email": EVA.upper()},
    "it would be created under a new name": creatable("eve@example.com", email=EVA, new_username=EVA),
}


@both_apis_in_json
@only_documented
@pytest.mark.parametrize("on_error", ["continue", "stop"])
@pytest.mark.parametrize("row", RENAMED.values(), ids=RENAMED)
def test_a_customer_that_somebody_renamed_is_not_deleted(
    ansible: Ansible, sandbox: Sandbox, row: dict[str, Any], on_error: str
) -> None:
    created_by_hand(sandbox, EVA)
    renamed_by_hand(sandbox, EVA, EVA_NEW)
    rows = [{"username": ADA, "city": "Bergen"}, {"username": BEN}, {"username": CLEO}, row]
    first, *_others = steps = four_ways(ansible, customers=rows, max_deletions=1, on_error=on_error)
    written = {"continue": [[], ["set_profile"], [], []], "stop": [[]] * 4}[on_error]
    assert [step.written for step in steps] == written
    assert (
        counted(first)
        == {
            "continue": {"failed": 1, "updated": 1, "unchanged": 2, "not_reached": 1},
            "stop": {"failed": 1, "unchanged": 2, "not_reached": 2},
        }[on_error]
    )
    for step in steps:
        assert step.status == "failed"
        [item] = [item for item in step.result["results"] if item["failed"]]
        for part in (f"'{EVA_NEW}'", f"set new_username: {EVA_NEW}", f"delete '{EVA_NEW}' first"):
            assert part in item["msg"]
        assert "1 of 5 customers were not reached, because a purge deletes nothing as long as" in step.result["msg"]
    assert set(sandbox.customers()) == {*SEEDED, EVA_NEW}


@both_apis_in_json
@only_documented
def test_both_ways_out_of_it(ansible: Ansible, sandbox: Sandbox) -> None:
    created_by_hand(sandbox, EVA)
    renamed_by_hand(sandbox, EVA, EVA_NEW)
    others = [{"username": name} for name in (ADA, BEN, CLEO)]
    same = four_ways(ansible, customers=[*others, {**creatable(EVA), "new_username": EVA_NEW}], max_deletions=1)
    assert [counted(step) for step in same] == [{"unchanged": 4}] * 4
    another = [creatable(EVA), {"username": EVA_NEW, "state": "absent"}]
    first, second, *_again = four_ways(ansible, customers=[*others, *another], max_deletions=0)
    assert counted(first) == counted(second) == {"unchanged": 3, "created": 1, "deleted": 1}
    assert set(sandbox.customers()) == {*SEEDED, EVA}


@both_apis_in_json
@only_documented
def test_the_ceiling_comes_first(ansible: Ansible, sandbox: Sandbox) -> None:
    created_by_hand(sandbox, EVA)
    renamed_by_hand(sandbox, EVA, EVA_NEW)
    for step in four_ways(ansible, customers=[creatable(EVA), {"username": ADA}], max_deletions=2):
        assert (step.status, set(step.called)) == ("failed", {"list", "get"} if ansible.is_v3 else {"list"})
        assert "3 customers are not in the fleet" in step.result["msg"]


@both_apis_in_json
@only_documented
def test_an_address_that_the_fleet_shares_tells_nothing(ansible: Ansible, sandbox: Sandbox) -> None:
    created_by_hand(sandbox, "left@example.com", email="OFFICE@example.com")
    created_by_hand(sandbox, "stays@example.com", email="Office@example.com")
    rows = [{"username": name} for name in (ADA, BEN, CLEO, "stays@example.com")]
    rows.append(creatable("joins@example.com", email="office@example.com"))
    steps = four_ways(ansible, customers=rows, max_deletions=1)
    assert [counted(step) for step in steps] == [{"created": 1, "deleted": 1, "unchanged": 4}] * 2 + [
        {"unchanged": 5}
    ] * 2
    # With API v3, a separate write sets the profile of a new customer.
    assert steps[1].written == ["create", *(["set_profile"] if ansible.is_v3 else []), "delete"]


@both_apis_in_json
@only_documented
def test_a_renamed_customer_through_the_role(ansible: Ansible, sandbox: Sandbox) -> None:
    created_by_hand(sandbox, EVA)
    renamed_by_hand(sandbox, EVA, EVA_NEW)
    rows = [{"username": ADA}, {"username": BEN}, {"username": CLEO}, suited(ansible.api, creatable(EVA))]
    options = {"purge": True, "max_deletions": 1, "defaults": {"email": EVA}}
    del rows[-1]["email"]
    # Whoever is there has another address than the default, which would be written.
    for row in rows[:3]:
        row["email"] = row["username"]
    for check_mode in (True, False):
        run = run_role(ansible, check_mode=check_mode, customers=rows, **options)
        assert (run.status, set(calls(run))) == (2, {"list", "get"} if ansible.is_v3 else {"list"})
        assert f"set new_username: {EVA_NEW}" in " ".join(told(run))
    assert set(sandbox.customers()) == {*SEEDED, EVA_NEW}


# After an error nothing is deleted


def failing(run: Run) -> dict[str, int]:
    return {name: count for name, count in result_of(run)["summary"].items() if count}


@both_apis_in_json
@only_observed
@pytest.mark.parametrize("on_error", ["continue", "stop"])
def test_nothing_is_deleted_after_a_customer_has_failed(ansible: Ansible, sandbox: Sandbox, on_error: str) -> None:
    """The server refuses one write. Deletions would have come before it, had they not waited for all rows."""
    rows = [{"username": BEN, "city": "Bergen"}, {"username": ADA, "new_username": "gone@example.com"}]
    _checked, done, _again, last = four_ways(ansible, customers=rows, max_deletions=1, on_error=on_error)
    assert (done.status, counted(done)) == ("failed", {"updated": 1, "failed": 1, "not_reached": 1})
    assert done.written == ["set_profile", "rename"]
    assert "1 of 3 customers were not reached, because a purge deletes nothing as long as" in done.result["msg"]
    assert counted(last) == {"unchanged": 1, "failed": 1, "not_reached": 1}
    assert CLEO in sandbox.customers()


@both_apis_in_json
@only_observed
def test_nothing_is_deleted_by_the_role_after_a_customer_has_failed(ansible: Ansible, sandbox: Sandbox) -> None:
    rows = [{"username": "new@example.com"}, {"username": ADA, "city": "Bergen"}, {"username": BEN}]
    for check_mode in (True, False):
        run = run_role(ansible, check_mode=check_mode, customers=rows, purge=True, max_deletions=1)
        assert run.status == 2
        assert failing(run) == {"updated": 1, "unchanged": 1, "failed": 1, "not_reached": 1}
        assert told(run)[-1] == (
            "1 of 4 customers were not reached, because a purge deletes nothing as long as a customer of the fleet "
            "has an error."
        )
    assert CLEO in sandbox.customers()


@both_apis_in_json
@only_observed
def test_deletions_begin_when_all_customers_are_done(ansible: Ansible, sandbox: Sandbox) -> None:
    rows = [{"username": ADA, "city": "Bergen", "active": False}, creatable("dora@example.com")]
    checked, done, _again, last = four_ways(ansible, customers=rows, max_deletions=2, concurrency=8)
    assert sorted(done.written[:-2]) == ["create", "disable", *["set_profile"] * (2 if ansible.is_v3 else 1)]
    assert done.written[-2:] == ["delete", "delete"]
    assert checked.result["summary"] == done.result["summary"]
    assert checked.result["diff"] == done.result["diff"]
    assert counted(last) == {"unchanged": 2}
    assert set(sandbox.customers()) == {ADA, "dora@example.com", "nora@example.com"}


@both_apis_in_json
def test_a_purge_with_no_customers_is_refused(ansible: Ansible, sandbox: Sandbox) -> None:
    for step in four_ways(ansible, customers=[], max_deletions=99):
        assert (step.status, step.calls) == ("failed", [])
        assert "purge with no customers would delete every customer" in step.result["msg"]
    assert set(sandbox.customers()) == SEEDED
