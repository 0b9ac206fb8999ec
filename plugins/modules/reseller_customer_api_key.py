#!/usr/bin/python
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reseller_customer_api_key
short_description: Manage an API key of a customer of a SendGrid account
version_added: 0.2.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Creates, changes, rotates and deletes the API keys with which a customer sends mail, through the SendGrid API v3.
  - The name identifies a key. A second run with the same name and the same scopes changes nothing.
  - The server shows the secret of a key once, when it creates the key. The module returns it as RV(secret) in that one
    result. Keep it then, since nobody can read it later.
  - The module works with O(api=subusers) only. API v2 has no API keys of customers.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
    details:
      - Check mode makes the same reads, and predicts the same operations. It returns no RV(secret).
  diff_mode:
    support: full
    details:
      - The diff shows the name, the ID and the scopes of the key, and never its secret.
  idempotent:
    support: partial
    details:
      - With O(rotate=true), each run replaces the key.
      - Where the server does not show the scopes of a key, each run with O(scopes) sends them, and lists them in
        RV(unverified).
options:
  username:
    description:
      - The customer to whom the key belongs, matched exactly.
      - With O(state=present), the task fails if the customer does not exist. With O(state=absent), such a customer has
        no key, and nothing changes.
    type: str
    required: true
  name:
    description:
      - The name of the key. A customer should have one key of each name.
      - The server allows several keys of one name. Then the task fails and lists their IDs, and O(api_key_id) selects
        one of them.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that the key exists.
      - V(absent) deletes the key. Whatever sends mail with this key stops at that moment or a little later.
    type: str
    choices: [present, absent]
    default: present
  scopes:
    description:
      - What the key may do, such as V(mail.send). The module compares the scopes as a set, and replaces them if they
        differ.
      - The server adds the scopes V(2fa_required) and V(sender_verification_eligible) by itself. They are no
        difference.
      - If you leave the option out, an existing key keeps its scopes. A new key needs O(scopes) or O(full_access).
        With O(rotate=true), a new key gets the scopes of the key that it replaces.
    type: list
    elements: str
  full_access:
    description:
      - Create the key with all permissions that the customer has.
      - The task fails if the key exists and has no full access, since no call gives it to an existing key. Use
        O(rotate=true) to replace the key.
      - API v3 does not say whether a key has full access. A key counts as such if it has a scope that begins with
        V(user.).
      - You cannot use it together with O(scopes).
    type: bool
    default: false
  rotate:
    description:
      - Replace the key. The module creates the new key first, and deletes the former one afterwards.
      - If the deletion fails, the task fails, and its result still holds the secret of the new key.
      - If there is no such key, the module creates it.
    type: bool
    default: false
  api_key_id:
    description:
      - The ID of the key, where several keys have the same O(name).
      - After O(rotate=true), the key has another ID. So leave the option out as soon as the name is unique again.
    type: str
notes:
  - Set C(no_log=true) for each task that uses this module, and for each task that handles RV(secret). Without it,
    Ansible prints RV(secret) at verbosity 1 and above and hands it to callbacks.
seealso:
  - module: mailfleet.sendgrid.reseller_customer
"""

EXAMPLES = r"""
- name: Give a customer a key that sends mail
  mailfleet.sendgrid.reseller_customer_api_key:
    api: subusers
    api_key: "{{ vault_sendgrid_v3_key }}"
    username: mara@lighthouse.example
    name: website
    scopes:
      - mail.send
  register: website_key
  no_log: true

- name: Hand the new key to a file that only its owner can read
  ansible.builtin.copy:
    content: "{{ website_key.secret }}"
    dest: "{{ playbook_dir }}/website.key"
    mode: "0600"
  when: website_key.secret is defined
  no_log: true

- name: Keep the new key in a file that Ansible Vault encrypts
  ansible.builtin.copy:
    content: "{{ website_key.secret | ansible.builtin.vault(vault_secret) }}"
    dest: "{{ playbook_dir }}/website_key.vault"
    decrypt: false
    mode: "0600"
  when: website_key.secret is defined
  no_log: true

- name: Replace the key, and keep its scopes
  mailfleet.sendgrid.reseller_customer_api_key:
    api: subusers
    api_key: "{{ vault_sendgrid_v3_key }}"
    username: mara@lighthouse.example
    name: website
    rotate: true
  register: website_key
  no_log: true

- name: Delete the key
  mailfleet.sendgrid.reseller_customer_api_key:
    api: subusers
    api_key: "{{ vault_sendgrid_v3_key }}"
    username: mara@lighthouse.example
    name: website
    state: absent
  no_log: true
"""

RETURN = r"""
key:
  description:
    - The key in the end, without its secret; V(null) if there is none.
  returned: success, and failure after the key was looked up
  type: dict
  contains:
    api_key_id:
      description: The ID of the key. V(null) in check mode for a key that would be created.
      type: str
      returned: always
    name:
      description: The name of the key.
      type: str
      returned: always
    scopes:
      description:
        - The scopes of the key, sorted.
        - V(null) where the server does not show them, and in check mode for a new key with full access.
      type: list
      elements: str
      returned: always
  sample:
    api_key_id: aBcDeFgHiJkLmNoPqRsTuV
    name: website
    scopes:
      - mail.send
secret:
  description:
    - The new key itself, which opens the customer's account.
    - The server shows it this once.
  returned: when a key was created, also if the task failed afterwards
  type: str
  sample: SG.aBcDeFgHiJkLmNoPqRsTuV.the-secret-part-of-the-key
operations:
  description:
    - The writes that the task needs, in their order. Empty when the key is as it should be.
  returned: success, and failure after the key was looked up
  type: list
  elements: dict
  contains:
    name:
      description: V(create_api_key), V(update_api_key) or V(delete_api_key).
      type: str
      returned: always
    status:
      description:
        - V(planned) in check mode, V(applied), V(failed), V(unknown) when the answer was lost and the list of keys does
          not tell either, or V(not_reached) after an earlier one failed.
      type: str
      returned: always
  sample:
    - name: create_api_key
      status: applied
unverified:
  description:
    - Holds V(scopes) if they were sent although the server does not show whether they differ.
  returned: success, and failure after the key was looked up
  type: list
  elements: str
  sample: []
diff:
  description:
    - What changes, without the secret.
  returned: success, and failure after the key was looked up
  type: dict
  contains:
    before:
      description: The key as the server showed it; empty if there was none.
      type: dict
      returned: always
    after:
      description: The key in the end; empty if there is none.
      type: dict
      returned: always
  sample:
    before: {}
    after:
      api_key_id: aBcDeFgHiJkLmNoPqRsTuV
      name: website
      scopes:
        - mail.send
"""

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._api_keys import manage_api_key
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import api_key_spec, run


def main() -> None:
    run(manage_api_key, api_key_spec())


if __name__ == "__main__":
    main()
