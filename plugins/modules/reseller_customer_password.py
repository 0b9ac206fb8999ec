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
  - Checks the password of an existing customer through the SendGrid API v2, and sets it only if it differs.
  - To create a customer with a password, use M(mailfleet.sendgrid.reseller_customer).
  - Fails with O(api=subusers), because API v3 can neither check nor reset the password of a customer. The customer can
    set a new password on the website.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
    details:
      - The module also checks the password in check mode, so the prediction is correct.
  diff_mode:
    support: full
    details:
      - A password that is set appears as V(********).
  idempotent:
    support: partial
    details:
      - The password is set in each run with O(force=true), and if the server cannot check passwords.
options:
  username:
    description:
      - Username of the customer. It must match exactly. The task fails if the customer does not exist, or if the
        account only has a customer with a similar username.
      - A username with leading or trailing spaces of any kind, or with invisible characters anywhere, is an error
        before any call.
    type: str
    required: true
  password:
    description:
      - Password that the customer should have, at least 6 characters.
      - Put it in quotes. A number is an error, because YAML reads V(01234567) as a different number.
      - A line break or another control character is an error, because nobody can type it.
    type: str
    required: true
  force:
    description:
      - Whether to set the password without checking it first.
    type: bool
    default: false
seealso:
  - module: mailfleet.sendgrid.reseller_customer
"""

EXAMPLES = r"""
- name: Check a password, and set it only if it differs
  mailfleet.sendgrid.reseller_customer_password:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    password: "{{ mara_password }}"

- name: Set a password without checking it first
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
    - The write operation that the task needs. Empty if the customer already has this password.
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
        - One of V(planned), V(applied), V(failed), V(unknown).
        - V(planned) is the status in check mode.
        - V(unknown) means that the server's answer was lost, and that a check did not show whether the password was
          set.
      type: str
      returned: always
  sample:
    - name: set_password
      status: applied
unverified:
  description:
    - Contains V(password) if it was set without a check, with O(force=true) or because the server cannot check
      passwords.
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
      description: The same customer, with the password as V(********) if it is set.
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
