# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Direct execution: a task on this machine does its work in the controller's process.

A module process takes half a second, the work itself some milliseconds. If nothing in a task needs its own process, the
entry point of the module runs here, with the same AnsibleModule and the same arguments. The same code as for a process
parses its output. So results, errors, masking and warnings are the same.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as ShippedModule
from ansible.utils.vars import merge_hash
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import (
    Explain,
    Module,
    Spec,
    Task,
    explain_options,
    missing_libraries,
    run,
)
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._connection_cache import CONNECTION_CACHE

try:
    # Since ansible-core 2.19, values that go to a module and back have a profile.
    from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder

    PROFILE: tuple[str, ...] = ("legacy",)
    _TO_MODULE: dict[str, t.Any] = {"cls": get_module_encoder(PROFILE[0], Direction.CONTROLLER_TO_MODULE)}
    _IN_MODULE: dict[str, t.Any] = {"cls": get_module_decoder(PROFILE[0], Direction.CONTROLLER_TO_MODULE)}
    _FROM_MODULE: dict[str, t.Any] = {"cls": get_module_encoder(PROFILE[0], Direction.MODULE_TO_CONTROLLER)}
except ImportError:
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    PROFILE = ()
    _TO_MODULE = {"cls": AnsibleJSONEncoder, "vault_to_text": True}
    _IN_MODULE = {}

try:
    from ansible.vars.clean import remove_internal_keys
except ImportError:
    # In ansible-core 2.21, the class of the parsed result does this itself.
    remove_internal_keys = None

SWITCH = "sendgrid_direct_execution"


class DirectAction(ShippedModule):
    """Runs a module of this collection here, or ships it if the task needs its own process.

    `TASK`, `SPEC` and `EXPLAIN`: what the module itself passes to `run`. `_beside_arguments`: further arguments that
    are not options; their values are plain.
    """

    TASK: Task
    SPEC: t.Callable[[], Spec]
    EXPLAIN: Explain | None = None
    _beside_arguments: t.Mapping[str, t.Any] = {}

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        try:
            return self._run_somewhere(tmp, task_vars or {})
        except (TypeError, AnsibleError):
            # Ansible cannot pass some kinds of values, such as bytes, to any module. Other errors, such as an
            # unreachable host, have their own message.
            problems = [] if _is_transferable(self._task.args) else self._problems()
            if not problems:
                raise
            return {"failed": True, "changed": False, "msg": str(InvalidInput(problems))}

    def _problems(self) -> list[str]:
        return (self.EXPLAIN or explain_options)({**self._task.args, **self._beside_arguments}, self.SPEC())

    def _run_somewhere(self, tmp: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if any(reason(self, task_vars) for reason in _REASONS_TO_SHIP):
            result = self._run_shipped(tmp, task_vars)
        else:
            result = merge_hash(ActionBase.run(self, tmp, task_vars), self._run_here(task_vars))
        return result

    def _run_shipped(self, tmp: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Ships the module. Removes the further arguments afterwards, because callbacks may show the arguments."""
        arguments = self._task.args
        self._task.args = {**arguments, **self._beside_arguments}
        try:
            result: dict[str, t.Any] = super().run(tmp, task_vars)
        finally:
            self._task.args = arguments
        return result

    def _run_here(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments = dict(self._task.args)
        self._update_module_args(self._task.action, arguments, task_vars)
        output = module_output(self.TASK, self.SPEC(), arguments, self.EXPLAIN, self._beside_arguments)
        printed = {"stdout": output, "stderr": ""}
        return _result_dict(self._parse_returned_data(printed, *PROFILE))


def _is_transferable(arguments: t.Mapping[str, t.Any]) -> bool:
    """Whether Ansible can pass the arguments to a module."""
    try:
        json.dumps(arguments, **_TO_MODULE)
    except (TypeError, AnsibleError):
        return False
    return True


def _result_dict(parsed: t.Any) -> dict[str, t.Any]:
    """The parsed output of a module, in the form that action plugins return."""
    if remove_internal_keys is None:
        parsed.remove_internal_keys()
        result: dict[str, t.Any] = parsed.as_result_dict(for_round_trip=True)
        return result
    remove_internal_keys(parsed)
    return {**parsed}


class _Hooks(AnsibleModule):
    """An AnsibleModule without its own process. It takes `arguments` from here and passes its result to `output`.

    As a base class after Module, it overrides the methods in which AnsibleModule uses its process. Every supported
    ansible-core has these methods.
    """

    def __init__(
        self, arguments: str, beside: t.Mapping[str, t.Any], output: t.Callable[[str], t.Any], **settings: t.Any
    ) -> None:
        self._arguments = arguments
        self._beside = beside
        self._output = output
        self._warnings: list[str] = []
        super().__init__(**settings)

    def _check_locale(self) -> None:
        """The original may change the environment."""

    def _set_cwd(self) -> None:
        """The original may change the working directory."""

    def _load_params(self) -> None:
        self.params = {**json.loads(self._arguments, **_IN_MODULE), **self._beside}

    def warn(self, warning: str) -> None:
        """Keeps a warning for the result.

        The original keeps it for the process. Since ansible-core 2.19, it also shows the warning at once on the
        controller.
        """
        self._warnings.append(warning)
        if not PROFILE:
            # Like the original.
            self.log(f"[WARNING] {warning}")

    def _record_module_result(self, o: dict[str, t.Any]) -> None:
        """Since ansible-core 2.19: prints the result."""
        self._output(json.dumps(self._finished(o), **_FROM_MODULE))

    def jsonify(self, data: dict[str, t.Any]) -> t.NoReturn:
        """Before ansible-core 2.19: makes the text of the result, and ends the module instead of printing."""
        self._output(super().jsonify(self._finished(data)))
        raise SystemExit

    def _finished(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        """A result with its own warnings."""
        result.pop("warnings", None)
        return {**result, "warnings": list(dict.fromkeys(self._warnings))} if self._warnings else result


class ModuleHere(Module, _Hooks):
    """A module that does not change its process, because the process is not its own."""


def module_output(
    task: Task,
    spec: Spec,
    arguments: dict[str, t.Any],
    explain: Explain | None = None,
    beside: t.Mapping[str, t.Any] | None = None,
) -> str:
    """The output of a module: its result as JSON. `beside`: further arguments, already plain."""
    output: list[str] = []
    given = json.dumps(arguments, **_TO_MODULE)
    with _settings_known(arguments):
        try:
            module = functools.partial(ModuleHere, arguments=given, beside=beside or {}, output=output.append)
            run(task, spec, module, CONNECTION_CACHE.connect, explain)
        except SystemExit:
            # A module ends like this.
            pass
    return "".join(output)


@contextlib.contextmanager
def _settings_known(arguments: dict[str, t.Any]) -> t.Iterator[None]:
    """Tells ansible-core 2.21 whether the result shows the invocation.

    It has no method for that: it reads the arguments from the variable where a module keeps them.
    """
    before = getattr(basic, "_PARSED_MODULE_ARGS", None)
    basic._PARSED_MODULE_ARGS = {name: value for name, value in arguments.items() if name.startswith("_ansible_")}
    try:
        yield
    finally:
        basic._PARSED_MODULE_ARGS = before


def _is_switched_off(action: DirectAction, task_vars: dict[str, t.Any]) -> bool:
    is_on: bool = boolean(action._templar.template(task_vars.get(SWITCH, True)), strict=False)
    return not is_on


def _is_elsewhere(action: DirectAction, _task_vars: dict[str, t.Any]) -> bool:
    return bool(action._connection.transport != "local")


def _becomes_another_user(action: DirectAction, _task_vars: dict[str, t.Any]) -> bool:
    return bool(action._play_context.become or action._connection.become)


def _is_async(action: DirectAction, _task_vars: dict[str, t.Any]) -> bool:
    return bool(action._task.async_val)


def _has_an_environment(action: DirectAction, _task_vars: dict[str, t.Any]) -> bool:
    environments = action._task.environment or []
    return any(environments if isinstance(environments, list) else [environments])


def _has_another_interpreter(action: DirectAction, task_vars: dict[str, t.Any]) -> bool:
    variables = task_vars
    if action._task.delegate_to:
        variables = task_vars.get("ansible_delegated_vars", {}).get(action._task.delegate_to, task_vars)
    wanted = C.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
    wanted = str(action._templar.template(wanted) or "auto")
    return not wanted.startswith("auto") and not _is_this_python(wanted)


def _is_this_python(path: str) -> bool:
    """Whether `path` is this interpreter in the same environment. Many environments link to the same file."""
    try:
        same_folder = os.path.samefile(os.path.dirname(path), os.path.dirname(sys.executable))
        return same_folder and os.path.samefile(path, sys.executable)
    except OSError:
        return False


def _lacks_libraries(action: DirectAction, _task_vars: dict[str, t.Any]) -> bool:
    return bool(missing_libraries(action._task.args))


_REASONS_TO_SHIP: tuple[t.Callable[[DirectAction, dict[str, t.Any]], bool], ...] = (
    _is_switched_off,
    _is_elsewhere,
    _becomes_another_user,
    _is_async,
    _has_an_environment,
    _has_another_interpreter,
    _lacks_libraries,
)
