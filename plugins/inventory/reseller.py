# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: reseller
short_description: The customers of a SendGrid reseller account as hosts
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Makes each customer (in other words each subuser) of a mail reseller a host, so that a play over hosts is a play
    over customers, with C(serial), C(max_fail_percentage), C(strategy), C(--limit) and the slices of a job.
  - The name of the host is exactly the username. Tasks run on the controller, as for the implicit C(localhost).
  - Each host has C(ansible_connection=local), the interpreter of the controller and C(ansible_become=false). The last
    one overrides C(become=true) of a play or a task, and C(ansible_become) of all groups. To change that, set
    C(ansible_become) in C(host_vars) or with C(--extra-vars).
  - The variables of a host have the names of the options of M(mailfleet.sendgrid.reseller_customer). A value that the
    server does not show is V(null). C(sendgrid_extra) is a dictionary of the other fields that the server shows.
  # Generated from tools/customer_options.yml by tools/generate_docs.py: variables
  - The variables are C(sendgrid_username), C(sendgrid_email), C(sendgrid_first_name), C(sendgrid_last_name),
    C(sendgrid_address), C(sendgrid_city), C(sendgrid_region), C(sendgrid_zip), C(sendgrid_country), C(sendgrid_phone),
    C(sendgrid_website), C(sendgrid_company), C(sendgrid_active), C(sendgrid_website_access), C(sendgrid_whitelabel),
    C(sendgrid_ips), C(sendgrid_credits) and C(sendgrid_data_residency).
  # End of the generated part
  - With API v2, the plugin makes one call. With API v3 (O(api=subusers)), it reads pages of 500 customers, and makes
    further calls to read what O(details) names. A value that it does not read is V(null). It writes nothing.
  - C(sendgrid_ips) is a list. C(sendgrid_credits) is a dictionary with the keys C(type), C(total) and
    C(reset_frequency). C(sendgrid_data_residency) comes with the list of API v3. API v2 shows none of them.
  - A filter finds each customer with a value that B(contains) the text. O(username=ann) also finds
    C(joanna@example.com). Without filters, all customers are hosts. API v2 filters on the server. With API v3, the
    plugin reads all customers.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.inventory
  - mailfleet.sendgrid.reseller.filters
  - mailfleet.sendgrid.reseller.details
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [mailfleet.sendgrid.reseller]
  strict:
    description:
      - If V(true), these are errors. An expression that fails, a customer that cannot be a host, and a group of
        O(keyed_groups) that is not possible or that has the name of a customer.
      - If V(false), the plugin skips the expression. It leaves out a customer or a group that is not possible, and
        makes a group with the name of a customer. Each customer or group is named in a warning.
notes:
  - The name of the file must end in C(sendgrid.yml) or C(sendgrid.yaml). Ansible finds the plugin through O(plugin) in
    the file, if the inventory plugin C(auto) is enabled, as it is by default. If you set C(enable_plugins) in the
    section C(inventory) of C(ansible.cfg), add C(auto) or C(mailfleet.sendgrid.reseller) to it.
  - The options of the connection and the filters may be templates, with lookups and with variables of
    C(--extra-vars), or encrypted with Ansible Vault. Other variables do not exist yet when an inventory is read.
  - Keep the key itself out of the file. If the file is not valid YAML, Ansible shows some lines of it.
  - The tasks of a play do not get these options. Set the account for the tasks, too, in the environment or in
    C(module_defaults).
  - Ansible never evaluates text from the server as a template, in variables, O(compose), O(groups) and
    O(keyed_groups). This also holds for text from the cache.
  - C(ansible-inventory --list) marks text that must not be evaluated with C(__ansible_unsafe), so that programs that
    read its output can respect that.
  - A customer cannot be a host if its username means something else to Ansible. The plugin leaves the customer out and
    gives a warning, or an error with O(strict=true).
  - These names cannot be hosts. The name of a group that exists or that O(groups) makes, C(localhost) and its
    addresses, a name with a C(/) (it would lead to files), and a name with the marks of a template. A name with
    characters that cannot be shown (control characters, invisible characters such as a soft hyphen, and characters that
    change the reading direction). A name that begins like a list or a dictionary. A name that ends in C(.yml),
    C(.yaml), C(.json) (or an ending in C(yaml_valid_extensions)) or C(~), because Ansible would give it the
    C(host_vars) of another host. Any other text can be a host name.
  - A pattern, for example for C(--limit), cannot name a host with a comma, a colon or brackets. The pattern C(all)
    includes such a host.
  - O(keyed_groups) makes groups from the values of attributes, which customers can choose. It does not make the groups
    C(all), C(ungrouped) and C(localhost), and gives a warning, or an error with O(strict=true). It makes a group with
    the name of a customer, with a warning, or gives an error with O(strict=true). Ansible then takes the name for the
    group. Give each entry a C(prefix), so that no customer can join one of your groups.
  - With O(cache=true), the plugin makes no call while the cache is fresh. C(--flush-cache) and C(meta) with
    C(refresh_inventory) make it call the server again. If the cache is incomplete or holds something else, the plugin
    gives a warning and calls the server instead.
  - Each account, address, API, set of details and set of filters has its own cache. If no name identifies the account
    (V(apikey), and O(api=subusers)), each API key has its own cache. The cache does not hold the key and the name of
    the account. It holds the customers, so protect the folder of a file cache from other users.
  - For job slices of AWX or automation controller, use a file such as those below as a source of an inventory, and set
    the number of slices in the job template. Each slice gets its share of the customers, on any node. One credential
    type that injects E(SENDGRID_API_KEY), and E(SENDGRID_API_USER) or E(SENDGRID_API), works for the source and the
    jobs. The execution environment needs the collection and its requirements.
seealso:
  - module: mailfleet.sendgrid.reseller_customer
  - module: mailfleet.sendgrid.reseller_customer_info
"""

EXAMPLES = r"""
# fleet.sendgrid.yml: all customers; account and key come from SENDGRID_API_USER and SENDGRID_API_KEY
plugin: mailfleet.sendgrid.reseller

---
# portland.sendgrid.yml: a part of the fleet, in groups
plugin: mailfleet.sendgrid.reseller
api_user: my-reseller-account
api_key: "{{ lookup('ansible.builtin.env', 'RESELLER_KEY') }}"
city: Portland
compose:
  full_name: sendgrid_first_name ~ ' ' ~ sendgrid_last_name
groups:
  may_not_send: not sendgrid_active
keyed_groups:
  # region_ME, region_OR ...
  - key: sendgrid_region
    prefix: region

---
# cached.sendgrid.yml: asks the server once an hour, with a key from a file that Ansible Vault has encrypted
plugin: mailfleet.sendgrid.reseller
api_user: my-reseller-account
api_key: "{{ lookup('ansible.builtin.unvault', '/etc/reseller/key.vault') | trim }}"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/reseller
cache_timeout: 3600

---
# v3.sendgrid.yml: all customers through API v3, with profiles, IP addresses and credits. API v3 needs no api_user
plugin: mailfleet.sendgrid.reseller
api: subusers
# Needed only where SENDGRID_API_URL is the address of API v2.
api_url: https://api.sendgrid.com/v3
api_key: "{{ lookup('ansible.builtin.env', 'RESELLER_V3_KEY') }}"
details: [profile, ips, credits]
groups:
  limited: sendgrid_credits is mapping and sendgrid_credits.type == 'recurring'
  without_address: sendgrid_ips == []
keyed_groups:
  - key: sendgrid_region
    prefix: region
  # data_global, data_eu
  - key: sendgrid_data_residency
    prefix: data

---
# A play over these hosts, ten customers at a time. It ends when more than a fifth of ten customers fail:
# ansible-playbook -i fleet.sendgrid.yml website.yml
- name: Disable website access of all customers that may not send
  hosts: all
  gather_facts: false
  serial: 10
  max_fail_percentage: 20
  tasks:
    - name: Disable website access
      mailfleet.sendgrid.reseller_customer:
        username: "{{ inventory_hostname }}"
        website_access: false
      when: not sendgrid_active
"""

import hashlib
import json
import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import FILTERS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import base_address
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import addresses
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import KindCheck
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    FromEnvironment,
    empty_variables,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._info import list_customers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import info_spec, run_task, validated
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import MASK, Redactor
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._hosts import (
    Customer,
    KeyedGroups,
    describe_unusable,
    is_listing,
    unusable_names,
    variables,
)

try:
    # Since ansible-core 2.19.
    from ansible.parsing.vault import EncryptedString as Encrypted
except ImportError:
    from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode as Encrypted

# The version of the cached data. Increase it when the form of the data changes.
_FORM = 2


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "mailfleet.sendgrid.reseller"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("sendgrid.yml", "sendgrid.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_options(path)
        self._populate(self._customers(path, cache))

    def set_options(
        self, task_keys: t.Any = None, var_options: t.Any = None, direct: dict[str, t.Any] | None = None
    ) -> None:
        """Evaluates the templates in the options of the file, and validates the options like a module."""
        validated_options = {} if direct is None else self._validated(direct)
        given = direct if direct is None else {**direct, **validated_options}
        super().set_options(task_keys=task_keys, var_options=var_options, direct=given)
        # For options that are not set, Ansible reads the environment once more. This overrides its result.
        self._options.update(validated_options)

    def _read_options(self, path: str) -> None:
        try:
            given = self._read_config_data(path)
        except AnsibleError as error:
            # Without the causes of the error, so that the message is one sentence.
            raise AnsibleParserError(str(error)) from None
        unknown = sorted(str(name) for name in given if name not in self._options)
        if unknown:
            raise self._not_valid([f"unknown option {name}" for name in unknown])

    def _validated(self, given: dict[str, t.Any]) -> dict[str, t.Any]:
        """The options of reseller_customer_info with their defaults."""
        spec = info_spec()
        evaluated = {name: self._evaluated(name, given[name]) for name in spec if name in given}
        kinds = KindCheck(spec)({name: value for name, value in evaluated.items() if value is not None})
        problems, options = validated(spec, kinds)
        unused = capabilities(options.get("api")).connection.unused
        problems = empty_variables(options, unused) or kinds.problems + problems
        if problems:
            raise self._not_valid(problems)
        for warning in kinds.warnings():
            self.display.warning(warning)
        # Ansible adds its own mark to a text. It cannot do that for a text of another class.
        return {name: str(value) if isinstance(value, FromEnvironment) else value for name, value in options.items()}

    def _not_valid(self, problems: list[str]) -> AnsibleParserError:
        return AnsibleParserError(
            f"The options are not valid: {'; '.join(problems)}. See: ansible-doc -t inventory {self.NAME}"
        )

    def _evaluated(self, name: str, value: t.Any) -> t.Any:
        if isinstance(value, str):
            value = self._evaluated_text(name, value)
        # A value that Ansible Vault encrypted is an object that decrypts itself.
        return str(value) if isinstance(value, Encrypted) else value

    def _evaluated_text(self, name: str, text: str) -> t.Any:
        self.templar.available_variables = self._vars
        # Before ansible-core 2.19, Ansible turns text that looks like a list into a list by default.
        as_text = {} if hasattr(self.templar, "evaluate_expression") else {"convert_data": False}
        try:
            return self.templar.template(text, **as_text)
        except AnsibleError as error:
            # Before ansible-core 2.19, the error quotes the template.
            reason = Redactor([text])(str(error).replace(text, MASK))
            raise AnsibleParserError(f"The template of {name} cannot be evaluated: {reason}") from None

    def _customers(self, path: str, cache: bool) -> list[Customer]:
        """The customers, from the cache if `cache` and the options allow it."""
        if not self.get_option("cache"):
            return self._listed()
        key = self._cache_key(path)
        kept = self._kept(key) if cache else None
        if kept is None:
            self._cache[key] = kept = self._listed()
        return kept

    def _kept(self, key: str) -> list[Customer] | None:
        """The customers in the cache. None if the cache is empty or unusable."""
        try:
            kept = self._cache[key]
        except KeyError:
            if not self._cache_has(key):
                # Missing, or too old.
                return None
            reason = "it is not in the form of this ansible-core"
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Each cache plugin has its own errors.
            reason = f"it cannot be read ({type(error).__name__})"
        else:
            if is_listing(kept):
                return kept
            reason = "it does not hold a list of customers"
        self.display.warning(f"The inventory does not use its cache, because {reason}; it asks the server instead.")
        return None

    def _cache_has(self, key: str) -> bool:
        """Whether the cache has a fresh entry that it could not return. Only the plugin behind the cache knows."""
        plugin = getattr(self._cache, "_plugin", None)
        return plugin is not None and bool(plugin.contains(key))

    def _addresses(self) -> dict[str, t.Any]:
        options = {name: self.get_option(name) for name in ("api", "api_url", "eu_api_url")}
        return addresses(options, capabilities(options["api"]))

    def _listed(self) -> list[Customer]:
        options = {name: self.get_option(name) for name in info_spec()}
        result = run_task(list_customers, options, check_mode=False)
        if result.get("failed"):
            raise AnsibleParserError(result["msg"])
        for warning in result["warnings"]:
            self.display.warning(warning)
        listed: list[Customer] = result["customers"]
        return listed

    def _cache_key(self, path: str) -> str:
        """The cache key: it depends on the file, and on every option that changes the list."""
        matters = [
            _FORM,
            *(url and base_address(url) for url in self._addresses().values()),
            *self._account(),
            self.get_option("api"),
            sorted(set(self.get_option("details"))),
            *(self.get_option(name) for name in FILTERS),
        ]
        return f"{self.get_cache_key(path)}_{hashlib.sha256(json.dumps(matters).encode()).hexdigest()[:32]}"

    def _account(self) -> list[str | None]:
        """Identifies the account: by its name, or by the API key if there is no name.

        Only a digest leaves the process. An API key is long and random, so the digest reveals nothing about it. A
        digest of a password might. With a password there is a name, so the password is not needed.
        """
        options = {name: self.get_option(name) for name in ("api_user", "api_key")}
        if capabilities(self.get_option("api")).connection.user_is_account(options):
            return [options["api_user"], None]
        return [None, options["api_key"]]

    def _populate(self, listed: list[Customer]) -> None:
        """Does each step for all hosts before the next: a group for one host must not stand in the way of another."""
        strict = self.get_option("strict")
        hosts = {customer["username"]: variables(customer) for customer in self._usable(listed, strict)}
        for name, values in hosts.items():
            self.inventory.add_host(name)
            for variable, value in values.items():
                self.inventory.set_variable(name, variable, value)
        for construct, option in (
            (self._set_composite_vars, "compose"),
            (self._add_host_to_composed_groups, "groups"),
        ):
            self._construct(construct, option, hosts, strict)
        self._add_keyed_groups(hosts, strict)

    def _construct(self, construct: t.Callable[..., None], option: str, names: t.Iterable[str], strict: bool) -> None:
        for name in names:
            construct(self.get_option(option), self.inventory.get_host(name).get_vars(), name, strict=strict)

    def _add_keyed_groups(self, names: t.Iterable[str], strict: bool) -> None:
        """Adds groups. Customers may choose their names."""
        inventory = self.inventory
        self.inventory = keyed_groups = KeyedGroups(inventory)
        try:
            self._construct(self._add_host_to_keyed_groups, "keyed_groups", names, strict)
        finally:
            self.inventory = inventory
        for problem in keyed_groups.problems():
            if strict:
                raise AnsibleParserError(problem)
            self.display.warning(problem)

    def _usable(self, listed: list[Customer], strict: bool) -> list[Customer]:
        """The customers that can be hosts. Reports the others, because nobody would notice that they are missing."""
        groups = {*self.inventory.groups, *map(self._sanitize_group_name, self.get_option("groups"))}
        unusable = unusable_names((customer["username"] for customer in listed), groups)
        if unusable and strict:
            raise AnsibleParserError(describe_unusable(unusable))
        if unusable:
            self.display.warning(describe_unusable(unusable) + " The inventory leaves them out.")
        return [customer for customer in listed if customer["username"] not in unusable]
