# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution of reseller_customers: see the module of this name for its documentation."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.errors import AnsibleError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import Connect, Options, Result
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import kind_of_value
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.option_names import (
    OPTION_NAMES,
    OptionNames,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import FILE_CONTENT
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import explain_fleet, fleet_spec
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._console import Console
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction

# A task variable. A role that runs the module says in it, by option, which of its variables a message must name.
_NAMES_VARIABLE = "_sendgrid_option_names"


def _manage_fleet_and_tell(options: Options, check_mode: bool, connect: Connect) -> Result:
    return manage_fleet(options, check_mode, connect, Console("reseller_customers"))


class ActionModule(DirectAction):
    TASK = staticmethod(_manage_fleet_and_tell)
    SPEC = staticmethod(fleet_spec)
    EXPLAIN: t.Any = staticmethod(explain_fleet)

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Reads `customers_file` here, wherever the module runs."""
        self._task.args = _without_omitted(self._task.args, (task_vars or {}).get("omit"))
        try:
            names = self._option_names(task_vars or {})
            self._beside_arguments = {**self._file_content(names), **({OPTION_NAMES: {**names}} if names else {})}
        except InvalidInput as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        return super().run(tmp, task_vars)

    def _option_names(self, task_vars: dict[str, t.Any]) -> OptionNames:
        if OPTION_NAMES in self._task.args:
            raise InvalidInput([f"unknown option {OPTION_NAMES}"])
        given = self._templar.template(task_vars.get(_NAMES_VARIABLE))
        names = given if isinstance(given, t.Mapping) else {}
        return OptionNames({str(option): str(name) for option, name in names.items()})

    def _file_content(self, names: OptionNames) -> dict[str, t.Any]:
        name = self._task.args.get("customers_file")
        if name is None or self._task.args.get("customers") is not None:
            # If these options are wrong, the module says so.
            return {}
        if not isinstance(name, str):
            raise InvalidInput([f"{names['customers_file']} must be a text, and is {kind_of_value(name)}"])
        # Imported only if needed: most tasks have no file.
        from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_file import (
            decrypt_with,
            read_content,
        )

        return {FILE_CONTENT: read_content(self._path_of(name), name, decrypt_with(self._loader))}

    def _path_of(self, name: str) -> str:
        """The path of a file. Searches like ansible.builtin.copy for its `src`."""
        try:
            return str(self._find_needle("files", name))
        except AnsibleError:
            raise InvalidInput(
                [self._where_it_was_looked_for(name)], about=f"There is no file '{escape_control(name, 200)}'"
            ) from None

    def _where_it_was_looked_for(self, name: str) -> str:
        if name.startswith((os.path.sep, "~")):
            return "check its path"
        folders = dict.fromkeys([*self._task.get_search_path(), self._loader.get_basedir()])
        told = ", ".join(f"'{escape_control(folder)}'" for folder in folders)
        return f"looked for it in {told}, and in the folder 'files' of each"


def _without_omitted(arguments: dict[str, t.Any], omit: t.Any) -> dict[str, t.Any]:
    """The arguments without nested values that are `omit`.

    Before ansible-core 2.19, `omit` is a text, and Ansible removes it only at the top level.
    """
    return t.cast("dict[str, t.Any]", _kept(arguments, omit)) if isinstance(omit, str) else arguments


def _kept(value: t.Any, omit: str) -> t.Any:
    if isinstance(value, t.Mapping):
        return {name: _kept(item, omit) for name, item in value.items() if item != omit}
    if isinstance(value, (list, tuple)):
        return [_kept(item, omit) for item in value if item != omit]
    if isinstance(value, str) and omit in value:
        return _kept(_from_json(value), omit)
    return value


def _from_json(text: str) -> t.Any:
    """The value of a JSON text. An empty text for any other text: all of it is omitted."""
    try:
        return json.loads(text)
    except ValueError:
        return ""
