# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_customer
short_description: The options of one customer of a fleet, with the defaults of the fleet
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Returns the declared options of a customer, for a task that manages this one customer. Merges them like
    M(mailfleet.sendgrid.reseller_customers).
  - The playbook C(mailfleet.sendgrid.converge_slice), where each host is a customer, uses this lookup.
  - Reads the file once for all hosts of a run. No variable holds its rows.
options:
  _terms:
    description: Usernames.
    type: list
    elements: str
    required: true
  customers_file:
    description:
      - A file with the fleet, as described for O(mailfleet.sendgrid.reseller_customers#module:customers_file).
      - The lookup finds a customer by its C(username), or by its C(new_username) after it was renamed.
      - A customer that the file does not name gets only O(defaults), O(customer) and its password from O(passwords).
      - A row without a C(username), or with a C(username) that is not a text, is an error.
    type: str
  customer:
    description: Options of this customer. They override those of the file.
    type: dict
    default: {}
  defaults:
    description: Like O(mailfleet.sendgrid.reseller_customers#module:defaults). A default for a name is an error.
    type: dict
    default: {}
  passwords:
    description: Like O(mailfleet.sendgrid.reseller_customers#module:passwords).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Converge the customer that this host is
  mailfleet.sendgrid.reseller_customer:
    username: "{{ inventory_hostname }}"
  module_defaults:
    mailfleet.sendgrid.reseller_customer: >-
      {{ lookup('mailfleet.sendgrid.fleet_customer', inventory_hostname, customers_file='fleet.csv') }}
"""

RETURN = r"""
_list:
  description: For each username a dict with the options of M(mailfleet.sendgrid.reseller_customer) that are set.
  type: list
  elements: dict
"""

import datetime
import os
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import name_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import (
    GivenFleet,
    default_problems,
    password_of,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import first_of
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_file import decrypt_with, read_content
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_text import FEW
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._worker_cache import WORKER_CACHE

Row = dict[str, t.Any]


class LookupModule(LookupBase):
    """The lookup, by its name."""

    def run(self, terms: t.Any, variables: t.Any = None, **options: t.Any) -> list[Row]:
        self.set_options(var_options=variables, direct=options)
        try:
            problems = default_problems(self.get_option("defaults"))
            if problems:
                raise InvalidInput(problems, about="The defaults are not valid")
            return [self._customer(str(name), variables) for name in terms]
        except InvalidInput as error:
            raise AnsibleError(str(error)) from None

    def _customer(self, name: str, variables: t.Any) -> Row:
        file = self.get_option("customers_file")
        own = {"username": name, **(self._row(file, name, variables) if file else {}), **self.get_option("customer")}
        password = password_of(own, self.get_option("passwords"))
        merged = {**self.get_option("defaults"), **password, **own, "username": name}
        return {option: _plain(value) for option, value in merged.items() if value is not None}

    def _row(self, name: str, username: str, variables: t.Any) -> Row:
        path = self.find_file_in_search_path(variables, "files", name, ignore_missing=True)
        if path is None:
            raise InvalidInput(["give its path from the playbook"], about=f"There is no file '{name}'")
        found = os.stat(path)
        key = (path, found.st_ino, found.st_size, found.st_mtime_ns)
        return WORKER_CACHE.row(key, username, lambda: self._rows(path, name)) or {}

    def _rows(self, path: str, name: str) -> dict[str, Row]:
        content = read_content(path, name, decrypt_with(self._loader))
        given = GivenFleet(content["customers"], file=name, lines=content["lines"])
        if not isinstance(given.customers, list) or not all(isinstance(row, dict) for row in given.customers):
            raise InvalidInput(["it must hold a list of dicts"], about=f"The file '{name}' cannot be used")
        # Otherwise a customer would get the defaults, and nothing from the row that is meant for it.
        problems = [
            f"{given.place(number)} must have a username that is a text"
            for number, row in enumerate(given.customers)
            if not isinstance(row.get("username"), str)
        ]
        problems += name_problems(given.customers, given.place)
        if problems:
            told = first_of(problems, FEW, "more problems")
            raise InvalidInput(told, about=f"The file '{name}' cannot be used")
        # After a rename, the customer has its new name.
        names = ("new_username", "username")
        return {row[name]: row for row in given.customers for name in names if isinstance(row.get(name), str)}


def _plain(value: t.Any) -> t.Any:
    """The text of a date or of an encrypted value.

    Before ansible-core 2.19, a template cannot hold a date, and an encrypted value is an object, not a text.
    """
    if isinstance(value, datetime.date):
        return value.isoformat()
    # Ansible recognizes encrypted values in the same way. Their text is not a template.
    if getattr(value, "__ENCRYPTED__", False):
        return wrap_var(value.data)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
