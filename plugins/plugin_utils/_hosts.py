# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Customers as hosts of an inventory: their variables, and the names that mean something else to Ansible."""

from __future__ import annotations

import re
import typing as t

from ansible import constants as C
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    BY_NAME,
    IN_RESULTS,
    Attribute,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import escape_hidden, has_hidden
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

try:
    # Since ansible-core 2.19, a text is a template only where somebody trusts it.
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value: str) -> str:
        """Returns the text: before 2.19, Ansible trusts each text that is not marked as unsafe."""
        return value


# A customer as a cache holds it: the attributes by option name, and `extra`. Plain values only.
Customer = dict[str, t.Any]

_PREFIX = "sendgrid_"
_TYPES: dict[str, t.Any] = {"text": str, "number": int, "bool": bool, "list": list, "dict": dict}
_TEMPLATE = re.compile(r"\{[{%#]")


def is_listing(value: t.Any) -> bool:
    """Whether `value` is a list of customers in this form. A cache may hold other data, or incomplete data."""
    return isinstance(value, list) and all(map(_is_customer, value))


def _is_customer(value: t.Any) -> bool:
    if not isinstance(value, dict) or set(value) != {*IN_RESULTS, "extra"} or not value["username"]:
        return False
    extra = value["extra"]
    return (
        all(_fits(BY_NAME[name], value[name]) for name in IN_RESULTS)
        and isinstance(extra, dict)
        and all(isinstance(text, str) for pair in extra.items() for text in pair)
    )


def _fits(attribute: Attribute, value: t.Any) -> bool:
    """Whether an attribute can have this value."""
    if value is None:
        return True
    if not isinstance(value, _TYPES[attribute.kind]):
        return False
    if attribute.kind == "list":
        return all(isinstance(item, str) for item in value)
    parts = {part.name: part for part in attribute.parts}
    return not parts or value.keys() == parts.keys() and all(_fits(parts[name], value[name]) for name in parts)


def variables(customer: Customer) -> dict[str, t.Any]:
    """The variables of a host. Text from the server is never a template, even if it looks like one."""
    return {
        # As for the implicit localhost. These texts are trusted: they come from this plugin.
        "ansible_connection": trust_as_template("local"),
        "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}"),
        # Otherwise a setting for machines in all groups would run each task as another user.
        "ansible_become": False,
        **{_PREFIX + name: wrap_var(value) for name, value in customer.items()},
    }


def unusable_names(names: t.Iterable[str], groups: t.Container[str]) -> dict[str, str]:
    """The names that cannot be hosts, each with the reason. `groups`: the names of groups."""
    reasons = {name: _reason(name, groups) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def describe_unusable(unusable: t.Mapping[str, str]) -> str:
    """One sentence about the names that cannot be hosts."""
    listed = "; ".join(f"'{escape_hidden(escape_control(name, 100))}' ({reason})" for name, reason in unusable.items())
    return f"These customers cannot be hosts of an inventory, because of their usernames: {listed}."


def _reason(name: str, groups: t.Container[str]) -> str:
    if name in groups:
        # Ansible looks for a group first: a setting for the host would apply to all hosts of the group.
        return "a group has this name"
    for matches, reason in _REASONS:
        if matches(name):
            return reason
    return ""


def _names_the_controller(name: str) -> bool:
    return name in C.LOCALHOST


def _is_path(name: str) -> bool:
    """Ansible uses host names in paths, for files with variables and for fact caches."""
    return "/" in name or name in (".", "..")


def _is_file_of_another(name: str) -> bool:
    """Ansible looks for the variables of a host in files with its name, and with its name and each of these endings.

    A name with such an ending leads to the file of the host without the ending. A name that ends with a tilde leads to
    the backup file of an editor.
    """
    # An ending in the configuration may lack its dot. Ansible then adds the dot.
    endings = [ending if "." in ending else f".{ending}" for ending in C.YAML_FILENAME_EXTENSIONS if ending]
    # Some file systems ignore case.
    return name.lower().endswith(("~", *(ending.lower() for ending in endings)))


def _is_template(name: str) -> bool:
    return _TEMPLATE.search(name) is not None


def _is_literal(name: str) -> bool:
    """Before ansible-core 2.19, a template turns a text that looks like a list into a list: `["a"]` into `['a']`."""
    return name.lstrip().startswith(("[", "{"))


def _is_not_shown(name: str) -> bool:
    return escape_control(name, len(name)) != name or has_hidden(name)


# Groups that exist in every inventory, and names of the controller in a play: `hosts: localhost` would select all
# customers of a group with that name.
_NO_GROUPS = frozenset(("all", "ungrouped", *C.LOCALHOST))


class KeyedGroups:
    """An inventory for `keyed_groups`. Customers may choose the names of its groups, so it refuses harmful names.

    `refused`: the refused names. `like_hosts`: the names of groups that are also names of hosts.
    """

    def __init__(self, inventory: t.Any) -> None:
        self.refused: set[str] = set()
        self.like_hosts: set[str] = set()
        self._inventory = inventory

    def add_group(self, group: str) -> t.Any:
        """As that of the inventory."""
        if group in _NO_GROUPS:
            self.refused.add(group)
            return group
        if group in self._inventory.hosts:
            self.like_hosts.add(group)
        return self._inventory.add_group(group)

    def add_host(self, host: str, group: str) -> None:
        """As that of the inventory."""
        if group not in self.refused:
            self._inventory.add_host(host, group)

    def add_child(self, group: str, child: str) -> None:
        """As that of the inventory."""
        if not {group, child} & self.refused:
            self._inventory.add_child(group, child)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._inventory, name)

    def problems(self) -> list[str]:
        """A sentence for each kind of problem with the names."""
        sentences = (
            (self.refused, "keyed_groups makes no groups with these names, which mean something else to Ansible: {}."),
            (
                self.like_hosts,
                "keyed_groups makes groups with the names of customers, and Ansible takes these names for the groups: "
                "{}. Set a prefix.",
            ),
        )
        return [text.format(_enumerated(names)) for names, text in sentences if names]


def _enumerated(names: t.Iterable[str]) -> str:
    return ", ".join(f"'{escape_control(name, 100)}'" for name in sorted(names))


_REASONS: tuple[tuple[t.Callable[[str], bool], str], ...] = (
    (_names_the_controller, "it stands for the controller"),
    (_is_path, "Ansible would take it for a path"),
    (_is_file_of_another, "Ansible would take it for a file with the variables of another host"),
    (_is_template, "Ansible would take it for a template"),
    (_is_literal, "Ansible would take it for a list or a dictionary"),
    (_is_not_shown, "it has characters that cannot be shown"),
)
