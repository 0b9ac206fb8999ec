# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reseller_customer_api_key against the sandbox: from a playbook, and in this process where Ansible does not matter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _api_keys, _module
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import Cancelled
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api_keys import V3ApiKeys

from .conftest import Kept, connection, in_shared_playbook, only_direct, only_observed, only_v3
from .running import SUBUSERS, Ansible, Run, Sandbox, Step, four_ways, task
from .sandbox_v3 import V3_KEY
from .test_v3 import seed_eu

MODULE = "reseller_customer_api_key"
ADA, BEN = "ada@example.com", "ben@example.com"
SCOPES = ["mail.send", "stats.read"]
READS = ["list", "list_api_keys"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses: what is tested is what comes of a wait, not how long it takes."""
    monkeypatch.setattr(rate_limit, "FIRST_PAUSE", 0.001)


def run(sandbox: Sandbox, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """The result of the module for a key of Ada."""
    defaults = {name: option.get("default") for name, option in _module.api_key_spec().items()}
    given = {**defaults, **connection(sandbox, SUBUSERS), "username": ADA, "name": "news", **options}
    return _module.run_task(_api_keys.manage_api_key, given, check_mode)


def keys(sandbox: Sandbox) -> list[dict[str, Any]]:
    """All keys that the service has, of whomever."""
    return sandbox.control("GET", "api-keys")


def ids(sandbox: Sandbox) -> list[str]:
    return [key["api_key_id"] for key in keys(sandbox)]


def writes(sandbox: Sandbox) -> list[str]:
    return [call["operation"] for call in sandbox.log() if call["attempted_write"]]


def add_key(sandbox: Sandbox, name: str = "news", username: str = ADA, **content: Any) -> str:
    """Makes a key without the collection, and returns its id."""
    headers = {"Authorization": f"Bearer {V3_KEY}", "On-Behalf-Of": username}
    body = {"name": name, "scopes": SCOPES, **content}
    answer = sandbox.http.post(f"{sandbox.v3_url}/api_keys", json=body, headers=headers, timeout=30)
    assert answer.ok, answer.text
    sandbox.control("DELETE", "log")
    return answer.json()["api_key_id"]


def done(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(operation["name"], operation["status"]) for operation in result["operations"]]


def besides(step: Step) -> list[str]:
    """The calls but those that verify who is meant: the server once for a kept connection, and before a write."""
    calls = step.called
    assert all(calls[calls.index(name) - 1] == "get_username" for name in step.written[:1])
    return [name for name in calls if name != "get_username"]


# From a playbook


@in_shared_playbook(lambda: four_ways(MODULE, username=ADA, name="news", scopes=SCOPES))
@only_v3
def test_four_ways(played: Run) -> None:
    expected, made, checked_again, again = played.four()
    assert [step.result["changed"] for step in (expected, made, checked_again, again)] == [True, True, False, False]
    assert besides(expected) == READS
    assert besides(made) == [*READS, "create_api_key"]
    assert besides(checked_again) == besides(again) == [*READS, "get_api_key"]
    assert made.result["secret"].startswith("SG.")
    assert [step for step in (expected, checked_again, again) if "secret" in step.result] == []
    assert made.result["key"]["name"] == "news"
    assert set(made.result["key"]["scopes"]) >= set(SCOPES)
    assert expected.result["key"] == {"api_key_id": None, "name": "news", "scopes": sorted(SCOPES)}
    assert again.result["key"] == checked_again.result["key"] == made.result["key"]
    assert (expected.result["diff"]["before"], again.result["diff"]["before"]) == ({}, again.result["diff"]["after"])
    assert made.result["secret"] not in json.dumps(made.result["diff"])


@in_shared_playbook(
    lambda: [
        task(MODULE, {"username": ADA, "name": "news", "scopes": SCOPES}),
        *four_ways(MODULE, username=ADA, name="news", scopes=["mail.send"]),
    ]
)
@only_v3
@only_direct
def test_four_ways_of_other_scopes(played: Run) -> None:
    made, expected, updated, checked_again, again = played.steps
    assert [step.result["changed"] for step in played.steps] == [True, True, True, False, False]
    assert (expected.written, updated.written) == ([], ["update_api_key"])
    for step in (expected, updated):
        assert set(step.result["diff"]["before"]["scopes"]) >= set(SCOPES)
        assert "stats.read" not in step.result["diff"]["after"]["scopes"]
        assert "secret" not in step.result
    assert expected.result["diff"] == updated.result["diff"]
    assert updated.result["key"] == checked_again.result["key"] == again.result["key"]
    assert updated.result["key"]["api_key_id"] == made.result["key"]["api_key_id"]


@in_shared_playbook(
    lambda: [
        task(MODULE, {"username": ADA, "name": "news", "scopes": SCOPES}),
        *four_ways(MODULE, username=ADA, name="news", state="absent"),
    ]
)
@only_v3
@only_direct
def test_four_ways_of_absence(played: Run) -> None:
    _made, expected, deleted, checked_again, again = played.steps
    assert [step.result["changed"] for step in played.steps[1:]] == [True, True, False, False]
    assert (expected.written, deleted.written) == ([], ["delete_api_key"])
    assert besides(deleted) == [*READS, "delete_api_key"]
    assert besides(checked_again) == besides(again) == READS
    assert [step.result["key"] for step in played.steps[1:]] == [None] * 4
    assert expected.result["diff"] == deleted.result["diff"]
    assert deleted.result["diff"]["after"] == {}


@only_v3
@only_observed
def test_the_secret_is_in_one_result_and_nowhere_else(ansible: Ansible, kept: Kept, sandbox: Sandbox) -> None:
    """At the highest verbosity, with a log and a cache of facts."""
    play = ansible.play(
        [
            {**task(MODULE, {"username": ADA, "name": "news", "scopes": SCOPES}), "register": "made", "no_log": True},
            {
                "name": "Hand it to a second task",
                "ansible.builtin.copy": {
                    "content": "{{ made.secret }}",
                    "dest": str(ansible.folder / "news.key"),
                    "mode": "0600",
                },
                "when": "made.secret is defined",
                "no_log": True,
            },
            task(MODULE, {"username": ADA, "name": "news", "scopes": ["mail.send"]}),
        ],
        "--diff",
        "-vvvv",
        environment=kept.settings,
    )
    assert play.status == 0, play.output
    file = ansible.folder / "news.key"
    secret = file.read_text(encoding="utf-8")
    assert secret.startswith("SG.") and file.stat().st_mode & 0o777 == 0o600
    later = json.dumps([step.result for step in play.steps[1:]])
    logged = kept.log.read_text(encoding="utf-8")
    assert ADA in logged
    cached = "".join(path.read_text(encoding="utf-8") for path in kept.facts.iterdir())
    for place in (play.output, later, logged, cached, json.dumps(sandbox.log())):
        assert secret not in place
    assert V3_KEY not in play.output + logged + cached


# Which key it is


def test_two_keys_of_one_name(sandbox: Sandbox) -> None:
    first, second = add_key(sandbox), add_key(sandbox)
    add_key(sandbox, username=BEN)
    result = run(sandbox, scopes=SCOPES)
    assert result["failed"] is True
    assert all(part in result["msg"] for part in (first, second, "api_key_id", "'news'", f"'{ADA}'"))
    assert run(sandbox, scopes=SCOPES, api_key_id=second)["key"]["api_key_id"] == second
    assert writes(sandbox) == []
    assert done(run(sandbox, state="absent", api_key_id=first)) == [("delete_api_key", "applied")]
    assert run(sandbox, state="absent", api_key_id=first)["changed"] is False
    assert run(sandbox, scopes=SCOPES)["key"]["api_key_id"] == second
    assert ids(sandbox)[0] == second


def test_an_id_that_is_not_there(sandbox: Sandbox) -> None:
    add_key(sandbox)
    result = run(sandbox, scopes=SCOPES, api_key_id="another")
    assert result["failed"] is True and "no key of this name with the id 'another'" in result["msg"]
    assert writes(sandbox) == []


def test_an_unknown_customer(sandbox: Sandbox) -> None:
    result = run(sandbox, username="nobody@example.com", scopes=SCOPES)
    assert result["failed"] is True
    assert "no such customer" in result["msg"] and "nobody@example.com" in result["msg"]
    absent = run(sandbox, username="nobody@example.com", state="absent")
    assert (absent["changed"], absent["key"], absent.get("failed")) == (False, None, None)
    assert writes(sandbox) == []


@only_observed
def test_a_name_that_differs_only_by_case(sandbox: Sandbox) -> None:
    near = run(sandbox, username="Ada@example.com", state="absent")
    assert near["failed"] is True and "differs only by case" in near["msg"]


@only_observed
def test_a_key_of_a_customer_in_the_eu(sandbox: Sandbox) -> None:
    eva = seed_eu(sandbox)
    result = run(sandbox, username=eva, scopes=SCOPES)
    assert result["failed"] is True and "Set eu_api_url" in result["msg"]
    assert (writes(sandbox), keys(sandbox)) == ([], [])
    sandbox.control("DELETE", "log")
    made = run(sandbox, username=eva, scopes=SCOPES, rotate=True, eu_api_url=sandbox.root + "/eu/v3")
    assert made["secret"].startswith("SG.") and ids(sandbox) == [made["key"]["api_key_id"]]
    assert {call["host"] for call in sandbox.log() if call["on_behalf_of"]} == {"eu"}


# Scopes


def test_scopes_are_a_set_and_those_that_the_server_adds_are_no_difference(sandbox: Sandbox) -> None:
    add_key(sandbox)
    assert run(sandbox, scopes=[*reversed(SCOPES), SCOPES[0]])["changed"] is False
    assert run(sandbox)["changed"] is False
    changed = run(sandbox, scopes=[*SCOPES, "alerts.read"])
    assert done(changed) == [("update_api_key", "applied")]
    assert {*SCOPES, "alerts.read"} <= set(keys(sandbox)[0]["scopes"])
    assert run(sandbox, scopes=SCOPES)["changed"] is True
    assert "alerts.read" not in keys(sandbox)[0]["scopes"]


@pytest.mark.parametrize("given", [{}, {"rotate": True}])
def test_a_new_key_needs_scopes(sandbox: Sandbox, given: dict[str, Any]) -> None:
    for check_mode in (True, False):
        result = run(sandbox, check_mode, **given)
        assert result["failed"] is True and "full_access" in result["msg"] and "mail.send" in result["msg"]
    assert writes(sandbox) == []


def test_full_access(sandbox: Sandbox) -> None:
    predicted = run(sandbox, check_mode=True, full_access=True)
    assert (predicted["key"]["scopes"], predicted["diff"]["after"]["scopes"]) == (None, "full access")
    made = run(sandbox, full_access=True)
    assert made["changed"] is True and len(made["key"]["scopes"]) > 4
    again = run(sandbox, full_access=True)
    assert (again["changed"], "secret" in again) == (False, False)
    assert sandbox.log()[-1]["body_parameters"] == []
    created = [call for call in sandbox.log() if call["operation"] == "create_api_key"]
    assert [call["body_parameters"] for call in created] == [["name"]]


def test_a_narrow_key_does_not_get_full_access(sandbox: Sandbox) -> None:
    former = add_key(sandbox)
    result = run(sandbox, full_access=True)
    assert result["failed"] is True and "rotate=true" in result["msg"]
    assert (writes(sandbox), ids(sandbox)) == ([], [former])
    assert done(run(sandbox, full_access=True, rotate=True)) == [
        ("create_api_key", "applied"),
        ("delete_api_key", "applied"),
    ]
    assert run(sandbox, full_access=True)["changed"] is False


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"scopes": []}, "scopes must have at least one scope"),
        ({"scopes": SCOPES, "full_access": True}, "scopes and full_access"),
        ({"rotate": True, "state": "absent"}, "rotate cannot be used with state=absent"),
        ({"scopes": ["mail.send "]}, "scopes has one that has blanks"),
        ({"scopes": [""]}, "scopes has one that is empty"),
        ({"name": " "}, "name is empty"),
        ({"name": "news\u200b"}, "name has blanks at an end"),
        ({"username": "a/b"}, "username"),
        ({"api": "reseller", "api_user": "acme"}, "set api to subusers"),
    ],
)
def test_options_that_are_refused_before_any_call(sandbox: Sandbox, given: dict[str, Any], problem: str) -> None:
    if "api" in given:
        given = {**given, "api_url": sandbox.api_url}
    result = run(sandbox, **given)
    assert result["failed"] is True and problem in result["msg"]
    assert sandbox.log() == []


# Rotation


def test_rotation_makes_before_it_breaks(sandbox: Sandbox) -> None:
    former = add_key(sandbox)
    other = add_key(sandbox, name="other")
    predicted = run(sandbox, check_mode=True, rotate=True)
    assert done(predicted) == [("create_api_key", "planned"), ("delete_api_key", "planned")]
    assert writes(sandbox) == []
    result = run(sandbox, rotate=True)
    assert writes(sandbox) == ["create_api_key", "delete_api_key"]
    assert result["secret"].startswith("SG.") and result["key"]["api_key_id"] != former
    assert ids(sandbox) == [other, result["key"]["api_key_id"]]
    # It has the scopes of the one that it replaces.
    assert set(keys(sandbox)[1]["scopes"]) >= set(SCOPES)
    assert run(sandbox, rotate=True)["changed"] is True
    assert run(sandbox, name="third", rotate=True, scopes=SCOPES)["changed"] is True


def test_rotation_of_one_of_two(sandbox: Sandbox) -> None:
    first, second = add_key(sandbox), add_key(sandbox)
    result = run(sandbox, rotate=True, api_key_id=first)
    assert ids(sandbox) == [second, result["key"]["api_key_id"]]


@pytest.mark.parametrize("fault", ["not-found", "error-before", "close-before"])
def test_a_rotation_that_ends_half_way_still_returns_the_secret(sandbox: Sandbox, fault: str) -> None:
    former = add_key(sandbox)
    sandbox.set_fault("delete_api_key", fault, times="forever")
    result = run(sandbox, rotate=True)
    assert (result["failed"], result["changed"]) == (True, True)
    assert done(result)[0] == ("create_api_key", "applied")
    assert result["secret"].startswith("SG.")
    assert former in result["msg"] and "secret is in the result" in result["msg"]
    assert result["secret"] not in result["msg"]
    assert len(keys(sandbox)) == 2
    sandbox.control("DELETE", "faults")
    assert done(run(sandbox, state="absent", api_key_id=former)) == [("delete_api_key", "applied")]
    assert ids(sandbox) == [result["key"]["api_key_id"]]


def test_a_rotation_that_is_stopped_half_way_still_returns_the_secret(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = add_key(sandbox)

    def stop(*_arguments: object) -> None:
        raise Cancelled

    monkeypatch.setattr(V3ApiKeys, "delete", stop)
    result = run(sandbox, rotate=True)
    assert done(result) == [("create_api_key", "applied"), ("delete_api_key", "not_reached")]
    assert (result["failed"], result["changed"], result["secret"][:3]) == (True, True, "SG.")
    assert former in result["msg"] and len(keys(sandbox)) == 2


# Faults


def test_a_creation_whose_answer_is_lost_is_told_with_its_id(sandbox: Sandbox) -> None:
    """A repetition would make a second key, and the secret of the first one is lost in any case."""
    sandbox.set_fault("create_api_key", "close-after", times=1)
    result = run(sandbox, scopes=SCOPES, retries=3)
    assert (result["failed"], result["changed"], "secret" in result) == (True, True, False)
    [lost] = ids(sandbox)
    assert result["key"]["api_key_id"] == lost
    assert lost in result["msg"] and "state=absent" in result["msg"]
    assert writes(sandbox) == ["create_api_key"]
    assert run(sandbox, state="absent", api_key_id=lost)["changed"] is True
    assert "secret" in run(sandbox, scopes=SCOPES)


def test_a_creation_that_was_not_done_is_repeated(sandbox: Sandbox) -> None:
    sandbox.set_fault("create_api_key", "error-before", times=1)
    result = run(sandbox, scopes=SCOPES, retries=3)
    assert "failed" not in result, result["msg"]
    assert writes(sandbox) == ["create_api_key"] * 2
    assert len(keys(sandbox)) == 1


def test_a_deletion_whose_answer_is_lost(sandbox: Sandbox) -> None:
    former = add_key(sandbox)
    sandbox.set_fault("delete_api_key", "close-after", times=1)
    result = run(sandbox, state="absent", retries=3)
    assert "failed" not in result, result["msg"]
    assert (done(result), keys(sandbox)) == ([("delete_api_key", "applied")], [])
    assert former not in ids(sandbox)


def test_a_header_that_is_not_heard_writes_nothing_to_the_account(sandbox: Sandbox) -> None:
    answer = sandbox.http.post(f"{sandbox.root}/_sandbox/switches", json={"ignore_on_behalf_of": "always"}, timeout=30)
    assert answer.ok, answer.text
    result = run(sandbox, scopes=SCOPES)
    assert result["failed"] is True and "On-Behalf-Of" in result["msg"]
    assert (writes(sandbox), keys(sandbox)) == ([], [])


def test_a_message_of_the_server_does_not_repeat_the_new_secret(sandbox: Sandbox) -> None:
    add_key(sandbox)
    sandbox.set_fault("delete_api_key", "echo", times="forever")
    result = run(sandbox, rotate=True)
    assert result["failed"] is True
    assert result["secret"] not in json.dumps({name: value for name, value in result.items() if name != "secret"})
    assert V3_KEY not in json.dumps(result)
