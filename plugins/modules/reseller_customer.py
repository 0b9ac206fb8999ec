#!/usr/bin/python
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reseller_customer
short_description: Manage one customer of a SendGrid reseller account
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Creates, changes, renames, enables, disables and deletes one customer (also called a subuser) of a mail reseller.
  - Uses the SendGrid API v2, or API v3 with O(api=subusers).
  - Changes only the attributes that the task sets. A value that the customer already has is not written again.
  - Checks all options before any call, and lists all problems in one message. If a new customer cannot be created, one
    message lists all reasons before anything is written.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff is the same in check mode and in a real run. It never contains secrets.
      - Some values are never shown by the server, such as a password or a company. They appear only in RV(diff.after),
        and only if they are sent. A password appears as V(********).
  idempotent:
    support: partial
    details:
      - If the server does not show website access, O(update_website_access=always) sends O(website_access) in each run.
      - With API v2, an empty O(company) is sent in each run, because API v2 can only search for a company with a text.
      - If the server cannot check passwords, O(update_password=always) sets the password in each run.
      - With O(api=subusers), the owner of a new e-mail address may have to confirm it. As long as the server shows the
        old address, each run writes the new address again.
      - Everything else is compared, and a second run changes nothing.
options:
  # Generated from tools/customer_options.yml by tools/generate_docs.py: options
  username:
    description:
      - Username of the customer. It must match exactly. If the account only has a customer with a similar username, the
        task fails and the message says so. Similar usernames differ only in case, composed or decomposed letters,
        width, leading or trailing spaces, or invisible characters.
      - A username with leading or trailing spaces of any kind, or with invisible characters anywhere, is an error
        before any call.
      - With API v2, the username can have up to 64 characters for a new customer, and up to 100 after a rename.
      - The server never assigns a username twice. The username of a deleted customer stays taken.
      - With O(api=subusers), the username must consist of printable ASCII characters other than C(%) and C(/), and must
        not be C(.), C(..), C(stats) or C(reputations). Only the server limits its length.
    type: str
    required: true
  state:
    description:
      - V(present) ensures that the customer exists and matches the other options.
      - V(absent) deletes the customer if it exists.
    type: str
    default: present
    choices: [present, absent]
  new_username:
    description:
      - New username of the customer. It must be an e-mail address of at most 100 characters, outside the domain
        C(sendgrid.com), without leading or trailing spaces and without invisible characters.
      - If only a customer with the new username exists, the rename is already done. If both usernames exist, the task
        fails.
      - If neither username exists, the customer is created with the new username, provided that all options that
        creation requires are set.
      - With O(api=subusers), the same rules apply as for O(username), and the new username does not have to be an
        e-mail address.
      - The rename changes the customer's logins for SMTP and for the website immediately.
    type: str
  password:
    description:
      - Password of the customer. Required to create a customer. With API v2, it must have at least 6 characters.
      - With O(api=subusers), the password of a new customer must have 16 to 128 characters, including a letter and a
        digit. It cannot be changed later.
      - Put it in quotes. A number is an error, because YAML reads V(01234567) as a different number.
      - A line break or another control character is an error, because nobody can type it.
    type: str
  update_password:
    description:
      - V(on_create) uses O(password) only for a new customer.
      - V(always) checks the password of an existing customer, and sets it only if it differs.
      - V(always) is an error with O(api=subusers), because API v3 can neither check nor reset a password.
    type: str
    default: on_create
    choices: [on_create, always]
  email:
    description:
      - E-mail address of the contact. Required to create a customer.
      - With API v2, it can have up to 64 characters for a new customer, and up to 100 later.
      - An address with leading or trailing spaces, or with invisible characters anywhere, is an error before any call.
        There is one exception. A task can pass a customer back with all attributes that
        M(mailfleet.sendgrid.reseller_customer_info) returned, if the address is exactly the one that the server shows.
        Such an address is never written.
    type: str
  update_profile:
    description:
      - Whether to update the profile of an existing customer. The profile consists of O(first_name), O(last_name),
        O(address), O(city), O(region), O(zip), O(country), O(phone), O(website) and O(company).
      - V(always) writes the attributes that differ.
      - V(on_create) uses the profile only for a new customer. With O(api=subusers), this saves the call that reads the
        profile. If a run is killed after it created the customer and before it wrote the profile, later runs do not
        write the profile.
    type: str
    default: always
    choices: [always, on_create]
  first_name:
    description:
      - First name. With API v2, it can have up to 50 characters, and is required to create a customer.
      - With O(api=subusers), creation requires no attribute of the profile, and the length limits do not apply. The
        description of O(update_profile) lists these attributes.
    type: str
  last_name:
    description: Last name. With API v2, it can have up to 50 characters, and is required to create a customer.
    type: str
  address:
    description:
      - Street and number. With API v2, this can have up to 100 characters, and is required to create a customer.
    type: str
  city:
    description: City. With API v2, it can have up to 100 characters, and is required to create a customer.
    type: str
  region:
    description:
      - State, province or region. With API v2, it can have up to 100 characters, and is required to create a customer.
      - The API calls this attribute C(state). Here, O(state) means something else.
      - Put it in quotes. YAML reads V(ON) as a boolean.
    type: str
  zip:
    description:
      - Postal code. With API v2, it can have up to 50 characters, and is required to create a customer.
      - Put it in quotes. YAML reads V(04101) as the number 2113.
    type: str
  country:
    description:
      - Country. With API v2, it can have up to 100 characters, and is required to create a customer.
      - API v2 is known to store only the first 5 characters. They count as the same country, with a warning that shows
        the stored text. A code such as V(US) avoids this.
      - Put it in quotes. YAML reads V(NO) as a boolean.
    type: str
  phone:
    description:
      - Phone number. With API v2, it can have up to 50 characters, and is required to create a customer.
      - Put it in quotes. YAML drops the plus sign of V(+12075550112), and reads V(12:30) as the number 750.
    type: str
  website:
    description:
      - Website. With API v2, it can have up to 255 characters, and is required to create a customer.
      - API v2 is known to put C(http://) before an address without a scheme. The result counts as the same website,
        with a warning that shows the stored text.
    type: str
  company:
    description:
      - Company. With API v2, it can have up to 255 characters, and is required to create a customer.
      - API v2 does not show the company, but can search for it. To compare the company of an existing customer, the
        task makes one more read call with the company as the filter. The search also finds a part of a text, so a
        stored company that contains this text counts as the same. With O(api=subusers), the company is compared like
        the rest of the profile.
    type: str
  active:
    description: Whether the customer is allowed to send mail. New customers are.
    type: bool
  website_access:
    description:
      - Whether the customer is allowed to log in to the website. New customers are.
      - This is compared if the server shows it. If the server does not show it, as with O(api=subusers),
        O(update_website_access) decides whether it is sent.
    type: bool
  update_website_access:
    description:
      - When to send O(website_access) to a server that does not show it.
      - V(always) sends it in each run, and reports a change each time.
      - V(on_create) sends it only for a new customer. If a run is killed after it created the customer and before it
        sent this option, later runs do not send it.
    type: str
    default: always
    choices: [always, on_create]
  package:
    description:
      - Name of the package for a new customer, at most 255 characters. Required to create a customer.
      - Used only on creation, and only with O(api=reseller).
    type: str
  whitelabel:
    description:
      - With O(api=reseller), the domain name of the whitelabel for a new customer, at most 255 characters. Required to
        create a customer, and used only on creation.
      - With O(api=subusers), an authenticated domain of the account that the customer sends from. Give the domain, or
        C(subdomain.domain) where the account has several domains of this name.
      - With O(api=subusers), the module compares it. A domain that the customer already has, alone or among others,
        makes no difference. Otherwise it replaces the domain that the customer has. The task fails, and names the
        domains, if the customer has several other ones. An empty text takes all domains away.
      - With O(api=subusers), the task fails before any write if the account does not have the domain, if the domain is
        not validated, or if it belongs to another customer.
    type: str
  ip_groups:
    description:
      - Names of IP groups of your account for a new customer, at most 255 characters each.
      - An empty name is an error. A name with a leading or trailing space is an error, too, as in V(News, Marketing).
      - Used only on creation, and only with O(api=reseller).
    type: list
    elements: str
  ips:
    description:
      - IP addresses of your account for a new customer, if the package allows them.
      - With O(api=reseller), used only on creation.
      - With O(api=subusers), the IPv4 addresses that the customer sends from. The module compares them as a set. It
        ignores the addresses of the customer if the option is left out. An empty list takes all addresses away.
      - With O(api=subusers), the task fails before any write if an address does not belong to the account.
    type: list
    elements: str
  free_user:
    description:
      - Whether a new customer is a free user. Some accounts must set this option.
      - Used only on creation, and only with O(api=reseller).
    type: bool
  billing_date:
    description:
      - First billing date of a new customer in the form V(YYYY-mm-dd), if it is not today.
      - For a new customer, it must be neither in the past nor more than one month ahead.
      - Used only on creation, and only with O(api=reseller). For an existing customer, any date is accepted.
    type: str
  mail_domain:
    description:
      - Existing whitelabel record to use for a new customer.
      - Used only on creation, and only with O(api=customer).
    type: str
  credits:
    description:
      - How many messages the customer may send. Requires O(api=subusers).
      - The module ignores the credits of the customer if the option is left out, or if each of its parts is V(null). A
        new customer has unlimited credits.
      - In a CSV file, each part has its own column, such as C(credits.type).
    type: dict
    version_added: 0.2.0
    suboptions:
      type:
        description:
          - V(unlimited) sets no limit.
          - V(recurring) sets the credits to O(credits.total) each time that O(credits.reset_frequency) says.
          - V(nonrecurring) sets the credits to O(credits.total) once.
        type: str
        choices: [unlimited, recurring, nonrecurring]
      total:
        description:
          - Number of credits, at least 1. Required with O(credits.type=recurring), not allowed with V(unlimited).
          - The server never shows the total of V(nonrecurring) credits. So the module requires and writes it only if
            O(credits.type) changes. Another total for a customer with V(nonrecurring) credits changes nothing.
        type: int
      reset_frequency:
        description:
          - How often the server resets the credits. Required with O(credits.type=recurring), and only allowed then.
        type: str
        choices: [daily, weekly, monthly]
  data_residency:
    description:
      - Where the data of a new customer reside. The default of the server is V(global). Requires O(api=subusers).
      - The task fails before any write if the customer exists and has another data residency, since it cannot be
        changed.
      - Calls on behalf of a customer with V(eu) go to O(eu_api_url).
    type: str
    choices: [global, eu]
    version_added: 0.2.0
  # End of the generated part
seealso:
  - module: mailfleet.sendgrid.reseller_customer_info
  - module: mailfleet.sendgrid.reseller_customer_password
"""

EXAMPLES = r"""
- name: Ensure that a customer exists
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    password: "{{ mara_password }}"
    email: mara@lighthouse.example
    first_name: Mara
    last_name: Lindqvist
    address: 4 Harbour Road
    city: Portland
    region: ME
    zip: "04101"
    country: US
    phone: 555-0142
    website: http://lighthouse.example
    company: Lighthouse & Daughters
    package: Bronze
    whitelabel: mail.lighthouse.example

- name: Change the city and the postal code, and nothing else
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    city: Bangor
    zip: "04401"

- name: Prevent a customer from sending mail and from logging in
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    active: false
    website_access: false

- name: Check a password, and set it only if it differs
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    password: "{{ mara_password }}"
    update_password: always

- name: Give a customer an IP address, credits and a domain, with API v3
  mailfleet.sendgrid.reseller_customer:
    api: subusers
    api_url: https://api.sendgrid.com/v3
    api_key: "{{ vault_sendgrid_v3_key }}"
    username: mara@lighthouse.example
    ips: [192.0.2.1]
    credits:
      type: recurring
      total: 50000
      reset_frequency: monthly
    whitelabel: lighthouse.example

- name: Rename a customer
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    new_username: office@lighthouse.example

- name: Delete a customer (its username stays taken forever)
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: office@lighthouse.example
    state: absent
"""

RETURN = r"""
customer:
  description:
    - The customer as the server shows it, read again after a change. In check mode, the predicted customer.
    - The keys are the names of options. A value that the server does not show is V(null).
    - V(null) if the customer does not exist.
  returned: success, and failure after the customer was looked up
  type: dict
  contains:
    # Generated from tools/customer_options.yml by tools/generate_docs.py: results
    username:
      description: Username of the customer.
      type: str
      returned: always
    email:
      description: E-mail address of the contact.
      type: str
      returned: always
    first_name:
      description: First name.
      type: str
      returned: always
    last_name:
      description: Last name.
      type: str
      returned: always
    address:
      description: Street and number.
      type: str
      returned: always
    city:
      description: City.
      type: str
      returned: always
    region:
      description: State, province or region.
      type: str
      returned: always
    zip:
      description: Postal code.
      type: str
      returned: always
    country:
      description: Country, as the server stores it.
      type: str
      returned: always
    phone:
      description: Phone number.
      type: str
      returned: always
    website:
      description: Website, as the server stores it.
      type: str
      returned: always
    company:
      description: Company. V(null) with API v2, which does not show it.
      type: str
      returned: always
    active:
      description: Whether the customer is allowed to send mail.
      type: bool
      returned: always
    website_access:
      description: Whether the customer is allowed to log in to the website. V(null) if the server does not show it.
      type: bool
      returned: always
    whitelabel:
      description:
        - Authenticated domain that the customer may send from, empty if there is none.
        - V(null) if the task did not read it, and with API v2.
      type: str
      returned: always
    ips:
      description:
        - IP addresses that the customer sends from.
        - V(null) if the task did not read them, and with API v2.
      type: list
      elements: str
      returned: always
    credits:
      description:
        - Credits of the customer, with the parts C(type), C(total) and C(reset_frequency).
        - V(null) if the task did not read them, and with API v2. The total of V(nonrecurring) credits is always
          V(null).
      type: dict
      version_added: 0.2.0
      returned: always
    data_residency:
      description: Where the data of the customer reside. V(null) with API v2.
      type: str
      version_added: 0.2.0
      returned: always
    # End of the generated part
  sample:
    # Generated from tools/customer_options.yml by tools/generate_docs.py: sample
    active: true
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
operations:
  description:
    - The write operations that the task needs, in their order. Empty if the customer already matches the options.
  returned: success, and failure after the customer was looked up
  type: list
  elements: dict
  contains:
    name:
      description:
        - One of V(create), V(delete), V(rename), V(set_email), V(set_profile), V(set_password), V(set_ips),
          V(set_credits), V(set_whitelabel), V(enable), V(disable), V(enable_website), V(disable_website).
      type: str
      returned: always
    status:
      description:
        - One of V(planned), V(applied), V(failed), V(not_reached), V(unknown).
        - V(planned) is the status in check mode.
        - V(not_reached) means that the task ended before this operation.
        - V(unknown) means that the server's answer was lost, and that reading the customer again did not show whether
          the operation took effect.
      type: str
      returned: always
  sample:
    - name: disable
      status: applied
    - name: set_profile
      status: applied
unverified:
  description:
    - Attributes that were sent without a comparison, because the server does not show whether they differ.
  returned: success, and failure after the customer was looked up
  type: list
  elements: str
  sample: [website_access]
diff:
  description:
    - What changes. The keys are the names of options. A secret is shown as V(********).
  returned: success, and failure after the customer was looked up
  type: dict
  contains:
    before:
      description: The attributes that the server showed before. Empty if the customer did not exist.
      type: dict
      returned: always
    after:
      description: The attributes after the changes, including those that are sent but that the server never shows.
      type: dict
      returned: always
  sample:
    before:
      username: mara@lighthouse.example
      city: Portland
    after:
      username: mara@lighthouse.example
      city: Bangor
"""

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import customer_spec, explain_customer, run
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._tasks import manage_customer


def main() -> None:
    run(manage_customer, customer_spec(), explain=explain_customer)


if __name__ == "__main__":
    main()
