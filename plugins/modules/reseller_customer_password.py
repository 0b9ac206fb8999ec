#!/usr/bin/python
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reseller_customer_password
short_description: Set the password of a customer of a SendGrid reseller account
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Checks the password of an existing customer, and sets it only if it is another one, through the SendGrid API v2.
  - To create a customer with a password, use M(mailfleet.sendgrid.reseller_customer).
  - It is an error with O(api=subusers). API v3 can neither check nor reset the password of a customer, who can set
    another one on the website.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
    details:
      - The password is checked in check mode too, so the prediction is true.
  diff_mode:
    support: full
    details:
      - A password that is set appears as V(********).
  idempotent:
    support: partial
    details:
      - With O(force=true), and on a server that cannot check passwords, the password is set on each run.
options:
  username:
    description:
      - The customer, matched exactly. An unknown customer is an error, and so is a name that only looks like one.
      - A name with blanks of any kind at an end, or with invisible characters anywhere, is an error before any call.
    type: str
    required: true
  password:
    description:
      - The password that the customer is to have, of at least 6 characters.
      - Write it in quotes. A number is an error, since V(01234567) is another number to YAML.
      - A line break or another control character is an error, since nobody can type it.
    type: str
    required: true
  force:
    description:
      - Set the password without checking it first.
    type: bool
    default: false
seealso:
  - module: mailfleet.sendgrid.reseller_customer
"""

EXAMPLES = r"""
- name: Make sure of a password
  mailfleet.sendgrid.reseller_customer_password:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    password: "{{ mara_password }}"

- name: Set it anew in any case
  mailfleet.sendgrid.reseller_customer_password:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    password: "{{ mara_password }}"
    force: true
"""

RETURN = r"""
operations:
  description:
    - Empty when the customer has this password, else the one write that the task needs.
  returned: success, and failure after the customer was looked up
  type: list
  elements: dict
  contains:
    name:
      description: V(set_password).
      type: str
      returned: always
    status:
      description:
        - V(planned) in check mode, V(applied), V(failed), or V(unknown) when the answer was lost and a check does not
          tell either.
      type: str
      returned: always
  sample:
    - name: set_password
      status: applied
unverified:
  description:
    - Holds V(password) when it was set without a check, with O(force=true) or on a server that cannot check passwords.
  returned: success, and failure after the customer was looked up
  type: list
  elements: str
  sample: []
diff:
  description:
    - What changes. A password is shown as V(********).
  returned: success, and failure after the customer was looked up
  type: dict
  contains:
    before:
      description: The customer as the server showed it.
      type: dict
      returned: always
    after:
      description: The same, with the password as V(********) when it is set.
      type: dict
      returned: always
  sample:
    before:
      username: mara@lighthouse.example
    after:
      username: mara@lighthouse.example
      password: "********"
"""

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import explain_customer, password_spec, run
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._tasks import manage_password


def main() -> None:
    run(manage_password, password_spec(), explain=explain_customer)


if __name__ == "__main__":
    main()
