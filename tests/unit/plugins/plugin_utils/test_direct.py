# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import types

import ansible.module_utils
import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as module_warnings
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible.utils.display import Display
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _direct

# Before ansible-core 2.21, a module always tells how it was invoked, and the controller takes it away.
HAS_INVOCATION_SETTING = "_ansible_inject_invocation" in inspect.getsource(basic.AnsibleModule._return_formatted)
INVOCATION = {"_ansible_inject_invocation": True} if HAS_INVOCATION_SETTING else {}
SPEC = {"word": {"type": "str", "no_log": True}}


def warn_and_return(options, check_mode, _connect):
    return {"changed": check_mode, "said": options["word"], "warnings": ["look out"]}


def output(**arguments):
    return json.loads(_direct.module_output(warn_and_return, dict(SPEC), arguments))


def test_what_a_module_prints_is_returned_and_masked():
    result = output(word="canary-4711", _ansible_check_mode=True)
    assert result["changed"] is True
    assert result["said"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert "canary" not in str(result)
    assert "look out" in str(result["warnings"])


def test_nothing_of_a_task_is_left_in_the_process(capsys, monkeypatch):
    # What tests of other files left behind must not be taken for ours.
    monkeypatch.setattr(basic, "_PARSED_MODULE_ARGS", None, raising=False)
    environment, folder = dict(os.environ), os.getcwd()
    output(word="canary-4711")
    assert basic._ANSIBLE_ARGS is None
    assert getattr(basic, "_PARSED_MODULE_ARGS", None) is None
    assert not module_warnings._global_warnings
    assert (dict(os.environ), os.getcwd()) == (environment, folder)
    assert capsys.readouterr() == ("", "")
    assert "warnings" not in json.loads(_direct.module_output(lambda *_: {"changed": False}, dict(SPEC), {}))


def test_nothing_of_the_process_is_changed_while_a_task_runs():
    """A module process has its own arguments, warnings and output. Here, they belong to the controller."""

    def state():
        internal = getattr(ansible.module_utils, "_internal", None)
        names = ("_ANSIBLE_ARGS", "_ANSIBLE_PROFILE", "remove_values")
        return (
            {name: getattr(basic, name, None) for name in names},
            getattr(internal, "is_controller", None),
            list(module_warnings._global_warnings),
            sys.stdout,
        )

    def look(options, check_mode, connect):
        seen.append(state())
        return warn_and_return(options, check_mode, connect)

    seen, before = [], state()
    _direct.module_output(look, dict(SPEC), {"word": "canary-4711"})
    assert seen == [before] and state() == before


def test_warnings_are_in_the_result_alone(monkeypatch):
    monkeypatch.setattr(Display, "warning", lambda *_given, **_named: pytest.fail("it is shown at once"))

    def warn_often(_options, _check_mode, _connect):
        return {"changed": False, "warnings": ["first", "second canary-4711", "first"]}

    result = json.loads(_direct.module_output(warn_often, dict(SPEC), {"word": "canary-4711"}))
    assert result["warnings"] == ["first", "second ********"]


def test_warnings_of_others_are_not_in_the_result(monkeypatch):
    collected = {"of another action": None} if _direct.PROFILE else ["of another action"]
    monkeypatch.setattr(module_warnings, "_global_warnings", collected)
    assert "another" not in _direct.module_output(lambda *_given: {"changed": False}, dict(SPEC), {})


@pytest.mark.parametrize("fails", [False, True])
def test_ansible_has_no_secret_to_look_for_in_a_result(monkeypatch, fails):
    """It would take minutes with those of a fleet."""
    looked_for = []
    original = basic.remove_values

    def remove_values(value, secrets):
        if isinstance(value, dict):
            looked_for.append(set(secrets))
        return original(value, secrets)

    monkeypatch.setattr(basic, "remove_values", remove_values)

    def repeat(options, _check_mode, _connect):
        return {"failed": fails, "changed": True, "msg": f"<{options['word']}>", "deep": [{"x": options["word"]}]}

    result = json.loads(_direct.module_output(repeat, dict(SPEC), {"word": "canary-4711", **INVOCATION}))
    assert looked_for == [set()]
    assert result["msg"] == "<********>"
    hidden = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert (result["deep"], result["invocation"]) == ([{"x": hidden}], {"module_args": {"word": hidden}})
    assert (result["failed"], result["changed"]) == (fails, True)


def test_what_is_true_stays_so_even_if_a_secret_is_spelled_like_it():
    """Before ansible-core 2.19, it is masked below the top."""
    assert output(word="True", _ansible_check_mode=True)["changed"] is True


@pytest.mark.parametrize("arguments", [{"word": "x"}, {"word": "x", **INVOCATION}])
def test_the_invocation_is_shown_where_ansible_wants_it(arguments):
    is_wanted = not HAS_INVOCATION_SETTING or len(arguments) == 2
    assert ("invocation" in output(**arguments)) is is_wanted


def test_this_python_is_told_from_another_environment_with_the_same_file(tmp_path):
    assert _direct._is_this_python(sys.executable)
    other = tmp_path / "python"
    other.symlink_to(os.path.realpath(sys.executable))
    assert not _direct._is_this_python(str(other))
    assert not _direct._is_this_python("/no/such/python")


class Action:
    """As much of an action plugin as the reasons to ship look at: a task on this machine that asks for nothing."""

    class _connection:
        transport = "local"
        become = None

    class _play_context:
        become = False

    class _task:
        async_val = 0
        environment = [{}]
        delegate_to = None
        args = {"api_format": "json"}

    class _templar:
        @staticmethod
        def template(value):
            return value


def is_shipped(action, **task_vars):
    return any(reason(action, task_vars) for reason in _direct._REASONS_TO_SHIP)


@pytest.mark.parametrize(
    ("part", "attribute", "value"),
    [
        ("_connection", "transport", "ssh"),
        ("_connection", "become", object()),
        ("_play_context", "become", True),
        ("_task", "async_val", 30),
        ("_task", "environment", [{}, {"LANG": "C"}]),
    ],
)
def test_what_needs_a_module_process_gets_one(monkeypatch, part, attribute, value):
    assert not is_shipped(Action())
    monkeypatch.setattr(getattr(Action, part), attribute, value)
    assert is_shipped(Action())


@pytest.mark.parametrize(
    ("task_vars", "shipped"),
    [
        ({}, False),
        ({"sendgrid_direct_execution": True}, False),
        ({"sendgrid_direct_execution": "no"}, True),
        ({"sendgrid_direct_execution": False}, True),
        ({"ansible_python_interpreter": sys.executable}, False),
        ({"ansible_python_interpreter": "auto_silent"}, False),
        ({"ansible_python_interpreter": "/no/such/python"}, True),
    ],
)
def test_variables_decide(task_vars, shipped):
    assert is_shipped(Action(), **task_vars) is shipped


def test_the_interpreter_of_the_host_counts_that_a_task_is_delegated_to(monkeypatch):
    monkeypatch.setattr(Action._task, "delegate_to", "there")
    there = {"there": {"ansible_python_interpreter": sys.executable}}
    task_vars = {"ansible_python_interpreter": "/no/such/python", "ansible_delegated_vars": there}
    assert not is_shipped(Action(), **task_vars)


def test_without_the_libraries_a_task_is_shipped(monkeypatch):
    asked = []
    monkeypatch.setattr(
        _direct, "missing_libraries", lambda options: asked.append(options) or "This Python lacks requests"
    )
    assert is_shipped(Action())
    assert asked == [Action._task.args]


# A whole task


class Echo(_direct.DirectAction):
    """A task that says what it was given."""

    @staticmethod
    def TASK(options, check_mode, _connect):
        return {"changed": check_mode, "said": options["word"], "_ansible_no_log": False, "warnings": ["look out"]}

    @staticmethod
    def SPEC():
        return {"word": {"type": "str", "required": True}}


@pytest.fixture
def echo():
    """An action plugin as Ansible makes it for a task on this machine."""
    task = Task()
    task.action = "mailfleet.sendgrid.echo"
    task.args = {"word": "hello"}
    play_context = PlayContext()
    play_context.become = False
    shell = types.SimpleNamespace(tmpdir="/nowhere")
    connection = types.SimpleNamespace(transport="local", become=None, socket_path=None, _shell=shell)
    loader = DataLoader()
    return Echo(task, connection, play_context, loader, Templar(loader=loader), None)


def test_a_task_is_done_here(echo, monkeypatch):
    monkeypatch.setattr(_direct.ShippedModule, "run", lambda *_given: pytest.fail("it was shipped"))
    result = echo.run(task_vars={})
    assert (result["changed"], result["said"]) == (False, "hello")
    assert "look out" in str(result["warnings"])
    assert [name for name in result if name.startswith("_ansible") and name != "_ansible_parsed"] == []
    assert echo._task.args == {"word": "hello"}


@pytest.mark.parametrize("fails", [False, True])
def test_what_goes_beside_the_arguments_is_shipped_and_does_not_stay_in_the_task(echo, monkeypatch, fails):
    seen = []

    def ship(action, *_given):
        seen.append(dict(action._task.args))
        if fails:
            raise AnsibleError("no connection")
        return {"changed": True}

    monkeypatch.setattr(_direct.ShippedModule, "run", ship)
    echo._beside_arguments = {"beside": "canary-4711"}
    with pytest.raises(AnsibleError) if fails else contextlib.nullcontext():
        echo.run(task_vars={_direct.SWITCH: False})
    assert seen == [{"word": "hello", "beside": "canary-4711"}]
    assert echo._task.args == {"word": "hello"}


def test_a_host_that_cannot_be_reached_is_not_taken_for_options_that_are_wrong(echo, monkeypatch):
    """What a module needs may be in the environment of the host alone."""

    def ship(*_given):
        raise AnsibleConnectionFailure("nobody is there")

    monkeypatch.setattr(_direct.ShippedModule, "run", ship)
    echo._task.args = {}
    with pytest.raises(AnsibleConnectionFailure, match="nobody is there"):
        echo.run(task_vars={_direct.SWITCH: False})


def test_what_goes_beside_the_arguments_is_seen_here_as_it_is():
    beside = {"word": "{{ 1 + 1 }}"}
    result = json.loads(
        _direct.module_output(lambda options, *_given: {"said": options["word"]}, {"word": {}}, {}, None, beside)
    )
    assert result["said"] == "{{ 1 + 1 }}"


def test_a_task_is_told_of_check_mode(echo):
    echo._task.check_mode = True
    assert echo.run(task_vars={})["changed"] is True


def test_options_that_are_wrong_fail_the_task_as_a_module_would(echo):
    echo._task.args = {}
    result = echo.run(task_vars={})
    assert result["failed"] is True
    assert result["msg"] == "missing required arguments: word"


def test_a_task_that_needs_a_process_is_shipped_with_all_its_variables(echo, monkeypatch):
    shipped = []
    monkeypatch.setattr(
        _direct.ShippedModule, "run", lambda _self, *given: shipped.append(given) or {"changed": True, "shipped": 1}
    )
    task_vars = {"sendgrid_direct_execution": False}
    assert echo.run(None, task_vars) == {"changed": True, "shipped": 1}
    assert shipped == [(None, task_vars)]
    monkeypatch.setattr(echo._connection, "transport", "ssh")
    echo.run()
    assert shipped[1] == (None, {})


def test_a_delegated_host_without_variables_has_those_of_the_task(monkeypatch):
    monkeypatch.setattr(Action._task, "delegate_to", "there")
    assert is_shipped(Action(), ansible_python_interpreter="/no/such/python")


def test_a_template_that_names_the_interpreter_is_evaluated_first(monkeypatch):
    monkeypatch.setattr(Action._templar, "template", staticmethod({"{{ python }}": sys.executable, True: True}.get))
    assert not is_shipped(Action(), ansible_python_interpreter="{{ python }}")


def test_an_environment_may_be_one_dict(monkeypatch):
    monkeypatch.setattr(Action._task, "environment", {"LANG": "C"})
    assert is_shipped(Action())
    monkeypatch.setattr(Action._task, "environment", None)
    assert not is_shipped(Action())
