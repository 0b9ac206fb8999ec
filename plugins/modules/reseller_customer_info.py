#!/usr/bin/python
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reseller_customer_info
short_description: List the customers of a SendGrid reseller account
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Lists the customers (also called subusers) of a mail reseller.
  - Uses the SendGrid API v2, or API v3 with O(api=subusers).
  - A filter finds each customer that B(contains) the text. O(username=ann) also finds C(joanna@example.com). Without
    filters, the module lists all customers. API v2 filters on the server. With API v3, the module reads all customers
    and filters them itself.
  - A filter with leading or trailing spaces, or with invisible characters anywhere, is an error, because it would find
    nothing.
  - A warning names customers with leading or trailing spaces or invisible characters in their usernames.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.filters
  - mailfleet.sendgrid.reseller.details
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
    details:
      - This module writes nothing.
  diff_mode:
    support: N/A
    details:
      - This module writes nothing.
  idempotent:
    support: full
    details:
      - This module writes nothing.
seealso:
  - module: mailfleet.sendgrid.reseller_customer
  - plugin: mailfleet.sendgrid.reseller
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: List all customers
  mailfleet.sendgrid.reseller_customer_info:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
  register: fleet

- name: Show the number of customers
  ansible.builtin.debug:
    msg: "{{ fleet.count }} customers"

- name: List the customers in one city that are not allowed to send mail
  mailfleet.sendgrid.reseller_customer_info:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    city: Portland
    active: false

- name: List all customers through API v3, with their IP addresses, credits and authenticated domains
  mailfleet.sendgrid.reseller_customer_info:
    api: subusers
    # Needed only where SENDGRID_API_URL is the address of API v2.
    api_url: https://api.sendgrid.com/v3
    api_key: "{{ reseller_v3_key }}"
    details: [ips, credits, whitelabel]
  register: sending
"""

RETURN = r"""
customers:
  description:
    - The customers, sorted by username. A value that the server does not show, or that was not read, is V(null).
    - With O(api=subusers), C(ips), C(credits) and C(whitelabel) are read if O(details) names them. C(data_residency)
      comes with the list. With API v2, all four are V(null).
    - The keys are the names of the options of M(mailfleet.sendgrid.reseller_customer), so a task can pass a customer
      back to it.
  returned: success
  type: list
  elements: dict
  sample:
    # Generated from tools/customer_options.yml by tools/generate_docs.py: sample
    - active: true
      address: 4 Harbour Road
      city: Portland
      company: null
      country: US
      credits: null
      data_residency: null
      email: mara@lighthouse.example
      first_name: Mara
      ips: null
      last_name: Lindqvist
      phone: 555-0142
      region: ME
      username: mara@lighthouse.example
      website: http://lighthouse.example
      website_access: true
      whitelabel: null
      zip: '04101'
    # End of the generated part
extra:
  description:
    - By username, what else the server shows of each customer. The keys are the server's names.
    - If a username begins with C(_ansible_) or C(__ansible_), the customer is missing here and a warning says so,
      because Ansible reserves such keys. The customer is still in RV(customers).
  returned: success
  type: dict
  sample:
    mara@lighthouse.example:
      address2: ""
count:
  description: Number of customers in RV(customers).
  returned: success
  type: int
  sample: 1
account:
  description: The account that the customers belong to.
  returned: success
  type: dict
  version_added: 0.2.0
  contains:
    api:
      description: The API, as O(api) names it.
      type: str
    api_url:
      description: The address of the API.
      type: str
    api_user:
      description: The value of O(api_user). V(null) with O(api=subusers), which does not use it.
      type: str
  sample:
    api: reseller
    api_url: https://api.sendgrid.com/apiv2
    api_user: my-reseller-account
"""

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._info import customer_info
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import info_spec, run


def main() -> None:
    run(customer_info, info_spec())


if __name__ == "__main__":
    main()
