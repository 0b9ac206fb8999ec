# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation on API keys under every fault: what came of it is what the guide says, and no key is made twice.

The tasks run in this process, which costs milliseconds; the socket and the service, which is the sandbox, are real.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from .conftest import only_observed
from .running import SUBUSERS, Sandbox
from .test_api_key import ADA, SCOPES, add_key, done, ids, keys, run, writes
from .test_faults import FAULTS, SETTINGS, SILENT, TABLE, assert_no_secret, quick, service

# Pauses are short here, too.
__all__ = ["quick"]

CREATE, UPDATE, DELETE = "create_api_key", "update_api_key", "delete_api_key"
# Faults whose answer can be read. With all others that act, the answer is lost, and a new secret with it.
READABLE = {"delay"}


@dataclass(frozen=True)
class Case:
    """A task whose one write is `write`. `operation`: what meets the fault. `exists`: whether the key is there."""

    operation: str
    kind: str
    options: dict[str, Any]
    exists: bool = True
    write: str = ""
    stored: dict[str, Any] | None = field(default_factory=dict)


MADE = {"scopes": ["mail.send"]}
CASES = [
    Case(UPDATE, "safe", MADE, write=UPDATE),
    Case(DELETE, "decided", {"state": "absent"}, write=DELETE),
    Case("list_api_keys", "reading", MADE, write=UPDATE),
    Case("get_api_key", "reading", MADE, write=UPDATE),
    Case("get_username", "reading", MADE, write=UPDATE),
    Case("list", "reading", MADE, write=UPDATE),
    Case("list_api_keys", "reading", MADE, exists=False, write=CREATE),
]
TIMES = ("once", "for ever")


def combinations(cases: list[Case]) -> list[Any]:
    """Each operation under each fault, once and for ever; the two behaviours take turns."""
    return [
        pytest.param(
            ("observed", "documented")[(row + column + turn) % 2],
            case,
            fault,
            times,
            id=f"{case.operation}-{case.write}-{fault}-{times}",
        )
        for row, case in enumerate(cases)
        for column, fault in enumerate(FAULTS)
        for turn, times in enumerate(TIMES)
    ]


def run_key(sandbox: Sandbox, **options: Any) -> dict[str, Any]:
    """The result with a patient connection. No secret but that of the new key is in it, and that in its place."""
    result = run(sandbox, **{**service(sandbox, SUBUSERS), **options})
    rest = {name: value for name, value in result.items() if name != "secret"}
    assert_no_secret(rest)
    assert result.get("secret", "SG.") not in json.dumps(rest) or "secret" not in result
    return result


def play(sandbox: Sandbox, operation: str, fault: str, times: str, **more: Any) -> None:
    settings = {"times": 1 if times == "once" else "forever", **SETTINGS.get(fault, {}), **more}
    sandbox.set_fault(operation, fault, **settings)


def is_as_wanted(sandbox: Sandbox, case: Case) -> bool:
    stored = keys(sandbox)
    if case.write == DELETE:
        return stored == []
    return len(stored) == 1 and "mail.send" in stored[0]["scopes"] and "stats.read" not in stored[0]["scopes"]


@pytest.mark.parametrize(("sandbox", "case", "fault", "times"), combinations(CASES), indirect=["sandbox"])
def test_matrix(sandbox: Sandbox, case: Case, fault: str, times: str) -> None:
    """The outcomes of the guide's table, as for customers."""
    if case.exists:
        add_key(sandbox)
    play(sandbox, case.operation, fault, times)
    result = run_key(sandbox, **case.options, **SILENT.get(fault, {}))
    sandbox.control("DELETE", "faults")
    if TABLE[fault, case.kind, times] == "done":
        assert "failed" not in result, result["msg"]
        assert (done(result), result["changed"]) == ([(case.write, "applied")], True)
        assert is_as_wanted(sandbox, case)
    else:
        assert (result["failed"], result["changed"]) == (True, False)
        assert done({"operations": [], **result}) in ([], [(case.write, "failed")])
        assert "Could not" in result["msg"]
        assert not is_as_wanted(sandbox, case)
    # The next run finishes, and the one after that has nothing to do.
    assert "failed" not in run_key(sandbox, **case.options)
    assert is_as_wanted(sandbox, case)
    assert run_key(sandbox, **case.options)["changed"] is False


@pytest.mark.parametrize(
    ("sandbox", "rotates", "fault", "times"),
    [
        pytest.param(
            ("observed", "documented")[(number + turn) % 2], rotates, fault, times, id=f"{fault}-{times}-{how}"
        )
        for number, fault in enumerate(FAULTS)
        for turn, times in enumerate(TIMES)
        for how, rotates in (("create", False), ("rotate", True))
    ],
    indirect=["sandbox"],
)
def test_matrix_of_creations(sandbox: Sandbox, rotates: bool, fault: str, times: str) -> None:
    """One run never makes two keys. Where the answer is lost, so is the secret, and the task names the key."""
    former = [add_key(sandbox)] if rotates else []
    options = {"scopes": SCOPES, "rotate": rotates}
    rest = [(DELETE, "not_reached")] if rotates else []
    play(sandbox, CREATE, fault, times)
    result = run_key(sandbox, **options, **SILENT.get(fault, {}))
    sandbox.control("DELETE", "faults")
    new = [key for key in ids(sandbox) if key not in former]
    created = [call for call in sandbox.log() if call["operation"] == CREATE and call["wrote"]]
    assert len(created) == len(new) <= 1
    acted = TABLE[fault, "decided", "for ever"] == "done"
    if acted and fault not in READABLE:
        assert (result["failed"], result["changed"], "secret" in result) == (True, True, False)
        assert done(result) == [(CREATE, "applied"), *rest]
        assert result["key"]["api_key_id"] == new[0]
        assert all(part in result["msg"] for part in (new[0], "its secret is lost", "state=absent"))
        assert len(writes(sandbox)) == 1
        # What the message advises.
        assert done(run_key(sandbox, state="absent", api_key_id=new[0])) == [(DELETE, "applied")]
        assert ids(sandbox) == former
    elif TABLE[fault, "decided", times] == "done":
        assert "failed" not in result, result["msg"]
        assert all(status == "applied" for _name, status in done(result))
        assert result["secret"].startswith("SG.") and [result["key"]["api_key_id"]] == new == ids(sandbox)
        return
    else:
        assert (result["failed"], result["changed"], "secret" in result, new) == (True, False, False, [])
        assert done(result) == [(CREATE, "failed"), *rest]
        assert "Could not create an API key" in result["msg"]
        assert ids(sandbox) == former
    finished = run_key(sandbox, **options)
    assert finished["secret"].startswith("SG.") and ids(sandbox) == [finished["key"]["api_key_id"]]


@pytest.mark.parametrize("fault", ["close-after", "close-before"])
def test_what_nothing_shows_is_unknown(sandbox: Sandbox, fault: str) -> None:
    """The answer is lost, and so is that of the list: no second try is made."""
    sandbox.set_fault(CREATE, fault, times="forever")
    sandbox.set_fault("list_api_keys", "error-before", nth=2, times="forever")
    result = run_key(sandbox, scopes=SCOPES)
    assert done(result) == [(CREATE, "unknown")]
    assert (result["failed"], result["changed"]) == (True, False)
    assert "Whether a key was created is unknown" in result["msg"]
    assert writes(sandbox) == [CREATE]


@pytest.mark.parametrize(("write", "options"), [(UPDATE, MADE), (DELETE, {"state": "absent"})])
def test_a_write_that_cannot_be_looked_at_is_unknown(sandbox: Sandbox, write: str, options: dict[str, Any]) -> None:
    add_key(sandbox)
    sandbox.set_fault(write, "html-after", times="forever")
    looked = {UPDATE: ("get_api_key", 2), DELETE: ("list_api_keys", 2)}[write]
    sandbox.set_fault(looked[0], "html", nth=looked[1], times="forever")
    result = run_key(sandbox, **options)
    assert (done(result), result["changed"]) == ([(write, "unknown")], False)
    sandbox.control("DELETE", "faults")
    assert "failed" not in run_key(sandbox, **options)


def test_a_refused_write_costs_no_further_read(sandbox: Sandbox) -> None:
    add_key(sandbox)
    sandbox.set_fault(UPDATE, "echo", times="forever")
    result = run_key(sandbox, **MADE)
    assert done(result) == [(UPDATE, "failed")]
    assert sandbox.log()[-1]["operation"] == UPDATE


@only_observed
def test_a_key_that_somebody_else_deletes_meanwhile(sandbox: Sandbox) -> None:
    add_key(sandbox)
    sandbox.set_fault(DELETE, "bad-gateway-after", times=1)
    result = run_key(sandbox, state="absent", retries=0)
    assert (done(result), keys(sandbox)) == ([(DELETE, "applied")], [])
    assert result["key"] is None and ADA in result["diff"]["before_header"]
