# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan for an API key that is carried out, and what the result says after each kind of error."""

from __future__ import annotations

import collections

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _api_keys
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api_keys import (
    ApiKey,
    DesiredKey,
    NewApiKey,
    key_problems,
    make_key_plan,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    MAYBE_APPLIED,
    NOT_APPLIED,
    CallError,
    Cancelled,
    InvalidInput,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import api_key_spec
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import DEFAULT_EU_URL, DEFAULT_URL
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import ANN, SandboxWorld
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import defaults

SECRET = "SG.new.secret-of-a-new-key"
SENDS = frozenset(["mail.send"])
FORMER = ApiKey("former", "news", SENDS)


class Keys:
    """The keys of a customer. `errors`: by method, what its next calls raise, each with whether the call is done."""

    added_scopes = frozenset(["2fa_required"])

    def __init__(self, *keys, **errors):
        self.stored = {key.id: key for key in keys}
        self.errors = collections.defaultdict(list, errors)
        self.calls = []

    def _call(self, name, effect):
        self.calls.append(name)
        error, is_done = self.errors[name].pop(0) if self.errors[name] else (None, True)
        found = effect() if is_done else None
        if error is not None:
            raise error
        return found

    def list(self):
        return self._call("list", lambda: [key._replace(scopes=None) for key in self.stored.values()])

    def get(self, identifier):
        return self._call("get", lambda: self.stored[identifier])

    def create(self, name, scopes, _budget):
        key = ApiKey(f"new-{len(self.calls)}", name, scopes or frozenset(["user.read"]))
        return self._call("create", lambda: NewApiKey(self.stored.setdefault(key.id, key), SECRET))

    def update(self, key, scopes, _budget):
        self._call("update", lambda: self.stored.update({key.id: key._replace(scopes=frozenset(scopes))}))

    def delete(self, identifier, _budget):
        self._call("delete", lambda: self.stored.pop(identifier))

    def retry_budget(self):
        return RetryBudget(2, 10, 1, lambda _seconds: False)

    def has_full_access(self, scopes):
        return "user.read" in scopes


def lost(applied=MAYBE_APPLIED, transient=True, status=None):
    return CallError("the connection was lost", applied, transient=transient, status=status)


def run(keys, **options):
    """The result for the key `news`, and the calls but the first reads."""
    desired = DesiredKey(**{"username": "ann", "name": "news", "scopes": SENDS, **options})
    listed = list(keys.stored.values())
    current = next((key for key in listed if key.name == "news"), None)
    plan = make_key_plan(desired, current, keys)
    return _api_keys._result(desired, _api_keys._Run(keys, desired, plan, listed).execute())


def statuses(result):
    return [operation["status"] for operation in result["operations"]]


def test_a_creation():
    result = run(Keys())
    assert (statuses(result), result["secret"], result["changed"]) == (["applied"], SECRET, True)
    assert "failed" not in result


def test_a_creation_that_was_not_done_is_repeated():
    keys = Keys(create=[(lost(), False)])
    assert statuses(run(keys)) == ["applied"]
    assert keys.calls == ["create", "list", "create"]


def test_a_creation_that_was_done_is_not_repeated():
    keys = Keys(create=[(lost(), True)])
    result = run(keys)
    assert (statuses(result), result["failed"], "secret" in result) == (["applied"], True, False)
    assert result["key"]["api_key_id"] in result["msg"] and "its secret is lost" in result["msg"]
    assert keys.calls == ["create", "list"]


def test_a_creation_that_nothing_tells_of():
    result = run(Keys(create=[(lost(), True)], list=[(lost(), False)]))
    assert (statuses(result), result["changed"]) == (["unknown"], False)
    assert "Whether a key was created is unknown" in result["msg"]


@pytest.mark.parametrize(
    ("error", "calls"),
    [(lost(NOT_APPLIED, transient=False), ["create"]), (lost(transient=False), ["create", "list"])],
)
def test_a_creation_that_is_refused(error, calls):
    keys = Keys(create=[(error, False)])
    assert statuses(run(keys)) == ["failed"]
    assert keys.calls == calls


def test_an_update():
    keys = Keys(FORMER)
    result = run(keys, scopes=frozenset(["stats.read"]))
    assert (statuses(result), result["key"]["scopes"]) == (["applied"], ["stats.read"])
    assert keys.calls == ["update"]


def test_an_update_whose_answer_is_lost():
    keys = Keys(FORMER, update=[(lost(), True)])
    assert statuses(run(keys, scopes=frozenset(["stats.read"]))) == ["applied"]
    assert keys.calls == ["update", "get"]


def test_an_update_that_is_refused():
    result = run(Keys(FORMER, update=[(lost(NOT_APPLIED, transient=False), False)]), scopes=frozenset(["stats.read"]))
    assert (statuses(result), result["key"]["scopes"]) == (["failed"], ["mail.send"])
    assert result["msg"].endswith("Run the task again to finish the work.")


@pytest.mark.parametrize("status", [None, 404])
def test_a_deletion_whose_answer_is_lost_or_that_somebody_else_made(status):
    applied = NOT_APPLIED if status else MAYBE_APPLIED
    keys = Keys(FORMER, delete=[(lost(applied, transient=False, status=status), True)])
    result = run(keys, state="absent")
    assert (statuses(result), result["key"]) == (["applied"], None)
    assert keys.calls == ["delete", "list"]


def test_a_deletion_that_nothing_tells_of():
    result = run(Keys(FORMER, delete=[(lost(), True)], list=[(lost(), False)]), state="absent")
    assert (statuses(result), result["key"]["api_key_id"]) == (["unknown"], "former")


def test_a_rotation():
    keys = Keys(FORMER)
    result = run(keys, rotate=True)
    assert (statuses(result), result["secret"]) == (["applied", "applied"], SECRET)
    assert list(keys.stored) == [result["key"]["api_key_id"]]


@pytest.mark.parametrize(
    ("error", "status"),
    [(lost(NOT_APPLIED, transient=False), "failed"), (Cancelled(), "not_reached"), (ValueError("x"), "unknown")],
)
def test_a_rotation_that_ends_half_way_keeps_the_secret(error, status):
    result = run(Keys(FORMER, delete=[(error, False)]), rotate=True)
    assert (statuses(result), result["secret"], result["failed"]) == (["applied", status], SECRET, True)
    assert "'former'" in result["msg"] and SECRET not in result["msg"]


def test_full_access_in_the_diff_and_what_nobody_knows():
    result = run(Keys(), scopes=None, full_access=True)
    assert result["diff"]["after"]["scopes"] == "full access"
    hidden = run(Keys(FORMER._replace(scopes=None)), scopes=None, full_access=True)
    assert (hidden["changed"], hidden["operations"]) == (False, [])
    assert ["is not known" in warning for warning in hidden["warnings"]] == [True]


# The whole module


def manage(world, check_mode=False, **options):
    urls = {"api_url": DEFAULT_URL, "eu_api_url": DEFAULT_EU_URL}
    given = {**defaults(api_key_spec()), **world.options, **urls, "username": ANN, "name": "news", **options}
    return _api_keys.manage_api_key(given, check_mode, world.connect)


@pytest.mark.parametrize("behaviour", ["documented", "observed"])
def test_the_life_of_a_key(behaviour):
    world = SandboxWorld(behaviour)
    assert manage(world, check_mode=True, scopes=["mail.send"])["key"]["api_key_id"] is None
    made = manage(world, scopes=["mail.send"])
    assert made["secret"].startswith("SG.")
    assert manage(world, scopes=["mail.send"])["changed"] is False
    assert manage(world, scopes=["stats.read"])["operations"] == [{"name": "update_api_key", "status": "applied"}]
    assert manage(world, state="absent")["key"] is None
    assert manage(world, state="absent")["changed"] is False


def test_a_customer_who_does_not_exist():
    world = SandboxWorld("observed")
    assert manage(world, username="nobody@example.com", state="absent")["changed"] is False
    with pytest.raises(InvalidInput, match="no such customer"):
        manage(world, username="nobody@example.com", scopes=["mail.send"])
    with pytest.raises(InvalidInput, match="set api to subusers"):
        manage(world, api="reseller", api_user="acme")


@pytest.mark.parametrize(("text", "problem"), [(" ", "is empty"), ("news ", "blanks"), ("ne\u200bws", "nobody sees")])
def test_texts_that_cannot_be(text, problem):
    given = {"state": "present", "full_access": False, "rotate": False, "scopes": None, "api_key_id": None}
    [told] = key_problems({**given, "name": text})
    assert told.startswith("name") and problem in told
    [told] = key_problems({**given, "name": "news", "scopes": ["mail.send", text]})
    assert told.startswith("scopes") and problem in told
