# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Customers as hosts of an inventory: their variables, and the names that Ansible would take for something else."""

from __future__ import annotations

import re
import typing as t

from ansible import constants as C
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import shown

try:
    # Since ansible-core 2.19, a text is a template only where somebody trusts it.
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value: str) -> str:
        """Before that, every text is one that was not marked as unsafe."""
        return value


# A customer as it is kept in a cache: the attributes by option name, and `extra`. Plain values only.
Customer = dict[str, t.Any]

_PREFIX = "sendgrid_"
_TEMPLATE = re.compile(r"\{[{%#]")


def customers(result: t.Mapping[str, t.Any]) -> list[Customer]:
    """The result of reseller_customer_info as one list.

    A list, since a cache may see more than a text in the keys of a dict.
    """
    return [{**customer, "extra": result["extra"][customer["username"]]} for customer in result["customers"]]


def variables(customer: Customer) -> dict[str, t.Any]:
    """The variables of a host. What the server sent is no template, whatever it looks like."""
    return {
        # As for the implicit localhost. Of its own text, an inventory trusts all.
        "ansible_connection": trust_as_template("local"),
        "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}"),
        **{_PREFIX + name: wrap_var(value) for name, value in customer.items()},
    }


def unusable_names(names: t.Iterable[str], groups: t.Container[str]) -> dict[str, str]:
    """The names that cannot be hosts beside `groups`, each with the reason."""
    reasons = {name: _reason(name, groups) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def told(unusable: t.Mapping[str, str]) -> str:
    """One sentence about the names that cannot be hosts."""
    listed = "; ".join(f"'{shown(name, 100)}' ({reason})" for name, reason in unusable.items())
    return f"These customers cannot be hosts of an inventory, because of their usernames: {listed}."


def _reason(name: str, groups: t.Container[str]) -> str:
    if name in groups:
        # Ansible looks for a group first: what is set for the host would be set for all hosts of the group.
        return "a group has this name"
    for matches, reason in _REASONS:
        if matches(name):
            return reason
    return ""


def _names_the_controller(name: str) -> bool:
    return name in C.LOCALHOST


def _is_path(name: str) -> bool:
    """Ansible makes paths of host names, of files with variables and of fact caches."""
    return "/" in name or name in (".", "..")


def _is_template(name: str) -> bool:
    return _TEMPLATE.search(name) is not None


def _is_literal(name: str) -> bool:
    """Before ansible-core 2.19, a text that looks like a list comes out of a template as one: `["a"]` as `['a']`."""
    return name.lstrip().startswith(("[", "{"))


def _is_not_shown(name: str) -> bool:
    return shown(name, len(name)) != name


_REASONS: tuple[tuple[t.Callable[[str], bool], str], ...] = (
    (_names_the_controller, "it stands for the controller"),
    (_is_path, "it would be taken for a path"),
    (_is_template, "it would be taken for a template"),
    (_is_literal, "it would be taken for a list or a dictionary"),
    (_is_not_shown, "it has characters that cannot be shown"),
)
