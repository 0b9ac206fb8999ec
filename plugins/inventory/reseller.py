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
  - The name of the host is the username, exactly. Tasks run on the controller, as for the implicit C(localhost).
  - Each host has C(ansible_connection=local), the interpreter of the controller and C(ansible_become=false). The last
    one overrides C(become=true) of a play or a task, and C(ansible_become) of all groups. To have it otherwise, set
    C(ansible_become) in C(host_vars) or with C(--extra-vars).
  - The variables of a host are named after the options of M(mailfleet.sendgrid.reseller_customer). What the server does
    not show is V(null). C(sendgrid_extra) is a dictionary of what the server shows beyond them.
  # Generated from tools/customer_options.yml by tools/generate_docs.py: variables
  - The variables are C(sendgrid_username), C(sendgrid_email), C(sendgrid_first_name), C(sendgrid_last_name),
    C(sendgrid_address), C(sendgrid_city), C(sendgrid_region), C(sendgrid_zip), C(sendgrid_country), C(sendgrid_phone),
    C(sendgrid_website), C(sendgrid_company), C(sendgrid_active) and C(sendgrid_website_access).
  # End of the generated part
  - API v2 is asked with one call. API v3 (O(api=subusers)) is asked for pages of 500 customers, and for what O(details)
    names with further calls for each customer. What was not read is V(null). Nothing is written.
  - The filters find each customer that B(contains) the text. O(username=ann) also finds C(joanna@example.com). Without
    filters, all customers are hosts. API v2 filters by itself; of API v3, all customers are read.
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
      - Whether an expression that fails, a customer that cannot be a host, and a group of O(keyed_groups) that cannot
        be or is named like a customer, is an error.
      - Else the expression is skipped, and the customer or the group left out with a warning that names it.
notes:
  - The name of the file must end in C(sendgrid.yml) or C(sendgrid.yaml). Ansible finds the plugin by the file's
    O(plugin) as long as C(auto) is among the enabled inventory plugins, which it is by default. If C(enable_plugins)
    is set in the section C(inventory) of C(ansible.cfg), add C(auto) or C(mailfleet.sendgrid.reseller) to it.
  - The options of the connection and the filters may be templates, with lookups and with variables of
    C(--extra-vars), or encrypted with Ansible Vault. Other variables do not exist yet when an inventory is read.
  - Keep the key itself out of the file. If the file is not valid YAML, Ansible shows some lines of it.
  - The tasks of a play get nothing of these options. Set the account for them too, in the environment or in
    C(module_defaults).
  - What the server sends is never evaluated as a template, neither in variables nor in O(compose), O(groups) and
    O(keyed_groups), and neither after it was cached.
  - C(ansible-inventory --list) marks text that must not be evaluated with C(__ansible_unsafe), so that whatever reads
    its output can keep to that.
  - A customer whose username would mean something else to Ansible is left out with a warning, or with O(strict=true)
    an error. These are the name of a group that exists or that O(groups) makes, C(localhost) and the addresses that
    stand for it, a name with a C(/) (it would lead to files), with the marks of a template or with characters that
    cannot be shown (control characters, and those that are invisible, such as a soft hyphen, or turn the reading
    direction), and a name that begins like a list or a dictionary. A name that ends in C(.yml), C(.yaml),
    C(.json) (or what C(yaml_valid_extensions) is set to) or C(~) is left out, too, because Ansible would give it the
    C(host_vars) of another host. Any other text is a host name. A pattern such as that of C(--limit) cannot name a
    host with a comma, a colon or brackets, but C(all) has it.
  - O(keyed_groups) makes groups of what customers wrote into their attributes. It makes no group C(all), C(ungrouped)
    or C(localhost), but gives a warning, or with O(strict=true) an error. A group that is named like a customer is
    made, with a warning, or with O(strict=true) an error; Ansible then takes the name for the group. Give each entry
    a C(prefix), so that no customer can join a group of yours.
  - With O(cache=true), nothing is called as long as the cache is fresh. C(--flush-cache) and C(meta) with
    C(refresh_inventory) ask the server again. A cache that is cut short or holds something else is not used; the server
    is asked instead, with a warning. What one account, address, API, set of details or set of filters has cached is not
    used for another one. Where no name says which account it is (V(apikey), and O(api=subusers)), each API key has a
    cache of its own. The key and the name of the account are not in the cache; the customers are, so keep the folder of
    a file cache to yourself.
  - For job slices of AWX or automation controller, make a file such as those below a source of an inventory, and set
    the number of slices of the job template. Each slice gets its share of the customers, on any node. A credential
    type that injects E(SENDGRID_API_KEY), and E(SENDGRID_API_USER) or E(SENDGRID_API), serves the source and the jobs.
    The execution environment needs the collection and its requirements.
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
# v3.sendgrid.yml: the same through API v3, with the profile of each customer, for which no name of an account is needed
plugin: mailfleet.sendgrid.reseller
api: subusers
# Needed only where SENDGRID_API_URL is the address of API v2.
api_url: https://api.sendgrid.com/v3
api_key: "{{ lookup('ansible.builtin.env', 'RESELLER_V3_KEY') }}"
details: [profile]
keyed_groups:
  - key: sendgrid_region
    prefix: region

---
# A play over these hosts, ten customers at a time, which ends when more than a fifth of ten have failed:
# ansible-playbook -i fleet.sendgrid.yml website.yml
- name: Take the website away from all who may not send
  hosts: all
  gather_facts: false
  serial: 10
  max_fail_percentage: 20
  tasks:
    - name: Close the website
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

# Of what is cached: with another form comes another number.
_FORM = 1


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
        """Makes of the file's options what a module makes of them, after their templates were evaluated."""
        validated_options = {} if direct is None else self._validated(direct)
        given = direct if direct is None else {**direct, **validated_options}
        super().set_options(task_keys=task_keys, var_options=var_options, direct=given)
        # For what counts as not set, Ansible looks into the environment once more.
        self._options.update(validated_options)

    def _read_options(self, path: str) -> None:
        try:
            given = self._read_config_data(path)
        except AnsibleError as error:
            # Without the errors that it came from: one sentence.
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
        # Ansible puts marks of its own on options, which it cannot where a text has one already.
        return {name: str(value) if isinstance(value, FromEnvironment) else value for name, value in options.items()}

    def _not_valid(self, problems: list[str]) -> AnsibleParserError:
        return AnsibleParserError(
            f"The options are not valid: {'; '.join(problems)}. See: ansible-doc -t inventory {self.NAME}"
        )

    def _evaluated(self, name: str, value: t.Any) -> t.Any:
        if isinstance(value, str):
            value = self._evaluated_text(name, value)
        # What Ansible Vault encrypted is an object that decrypts itself.
        return str(value) if isinstance(value, Encrypted) else value

    def _evaluated_text(self, name: str, text: str) -> t.Any:
        self.templar.available_variables = self._vars
        # Before ansible-core 2.19, text that looks like a list is made one unless told otherwise.
        as_text = {} if hasattr(self.templar, "evaluate_expression") else {"convert_data": False}
        try:
            return self.templar.template(text, **as_text)
        except AnsibleError as error:
            # Before ansible-core 2.19, the error repeats the template as it is.
            reason = Redactor([text])(str(error).replace(text, MASK))
            raise AnsibleParserError(f"The template of {name} cannot be evaluated: {reason}") from None

    def _customers(self, path: str, cache: bool) -> list[Customer]:
        """The customers, from the cache where `cache` and the options allow it."""
        if not self.get_option("cache"):
            return self._listed()
        key = self._cache_key(path)
        kept = self._kept(key) if cache else None
        if kept is None:
            self._cache[key] = kept = self._listed()
        return kept

    def _kept(self, key: str) -> list[Customer] | None:
        """The customers of the cache; None where it has none, or something that cannot be used."""
        try:
            kept = self._cache[key]
        except KeyError:
            if not self._cache_has(key):
                # Not there, or too old.
                return None
            reason = "it is not in the form of this ansible-core"
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Each cache plugin has errors of its own.
            reason = f"it cannot be read ({type(error).__name__})"
        else:
            if is_listing(kept):
                return kept
            reason = "it does not hold a list of customers"
        self.display.warning(f"The inventory does not use its cache, because {reason}; it asks the server instead.")
        return None

    def _cache_has(self, key: str) -> bool:
        """Whether there is anything fresh, though it was not found. Only the plugin behind the cache can tell."""
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
        """Of the file, and of whatever makes the list another one."""
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
        """What says whose customers are listed: the name of the account, or the key alone where no name says it.

        Only a digest of it leaves the process. API keys are random and long, so that tells nothing of them; of a
        password it might, and beside a name none is needed.
        """
        options = {name: self.get_option(name) for name in ("api_user", "api_key")}
        if capabilities(self.get_option("api")).connection.user_is_account(options):
            return [options["api_user"], None]
        return [None, options["api_key"]]

    def _populate(self, listed: list[Customer]) -> None:
        """Step by step for all hosts: a group that is made for one host must not stand in the way of the next."""
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
        """Groups whose names may be texts of customers."""
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
        """The customers that can be hosts. The others are told, since nobody would miss them otherwise."""
        groups = {*self.inventory.groups, *map(self._sanitize_group_name, self.get_option("groups"))}
        unusable = unusable_names((customer["username"] for customer in listed), groups)
        if unusable and strict:
            raise AnsibleParserError(describe_unusable(unusable))
        if unusable:
            self.display.warning(describe_unusable(unusable) + " The inventory leaves them out.")
        return [customer for customer in listed if customer["username"] not in unusable]
