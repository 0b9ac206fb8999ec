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
  - Creates, changes, renames, enables, disables and deletes one customer (in other words a subuser) of a mail reseller
    through the SendGrid API v2, or through API v3 with O(api=subusers).
  - An option that is left out is left alone. What a customer has already is not written again.
  - All options are checked before any call, and all that is wrong with them is told in one message. So is all that
    keeps a new customer from being created, before anything is written.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The same diff in check mode and in the real run. Secrets are never in it.
      - What the server does not show, such as a password or a company, is in the part RV(diff.after) only, when it is
        sent.
  idempotent:
    support: partial
    details:
      - O(website_access) with O(update_website_access=always), on a server that does not show website access, is sent
        on each run. The same goes for an empty O(company), since only a company with a text can be searched for.
      - O(update_password=always), on a server that cannot check passwords, sets the password on each run.
      - With O(api=subusers), an e-mail address may have to be confirmed by its owner. As long as the server shows the
        former one, each run writes the new one again.
      - All else is compared, and a second run changes nothing.
options:
  # Generated from tools/customer_options.yml by tools/generate_docs.py: options
  username:
    description:
      - The customer, matched exactly. A name that only looks like an existing one is an error that says so. Such names
        differ by case, composed or decomposed letters, width, blanks at the ends or invisible characters.
      - A name with blanks of any kind at an end, or with invisible characters anywhere, is an error before any call.
      - A new customer's name may have 64 characters, one that was renamed may have 100.
      - The server never gives a name away twice. Once a customer was deleted, its name stays taken.
      - With O(api=subusers), the name must consist of printable ASCII characters without C(%) and C(/), and must not be
        C(.), C(..), C(stats) or C(reputations). Its length is up to the server.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that the customer exists and is as the other options say.
      - V(absent) deletes the customer.
    type: str
    default: present
    choices: [present, absent]
  new_username:
    description:
      - Renames the customer. It must be an e-mail address of at most 100 characters, outside the domain
        C(sendgrid.com), without blanks at an end and without invisible characters.
      - When only a customer of this name exists, the rename is done already. When both exist, the task fails.
      - When neither exists, the customer is created under this name, if everything that creation needs is given.
      - With O(api=subusers), the same rules hold as for O(username), and it need not be an e-mail address.
      - The customer's logins to SMTP and to the website change at once.
    type: str
  password:
    description:
      - The password, of at least 6 characters. Needed to create a customer.
      - With O(api=subusers), a new customer's password has 16 to 128 characters, a letter and a digit among them. It
        cannot be set later.
      - Write it in quotes. A number is an error, since V(01234567) is another number to YAML.
      - A line break or another control character is an error, since nobody can type it.
    type: str
  update_password:
    description:
      - With V(on_create), O(password) is only used for a new customer.
      - With V(always), the password of an existing customer is checked, and set only if it is another one.
      - V(always) is an error with O(api=subusers), which can neither check nor reset a password.
    type: str
    default: on_create
    choices: [on_create, always]
  email:
    description:
      - The contact address. At most 64 characters for a new customer, at most 100 later. Needed to create a customer.
      - An address with blanks at an end, or with invisible characters anywhere, is an error before any call. Only in a
        customer that is fed back with all attributes that M(mailfleet.sendgrid.reseller_customer_info) shows may it
        stand, and only if the server shows this very address. It is never written.
    type: str
  update_profile:
    description:
      - Whether the profile of a customer that exists is managed. O(first_name), O(last_name), O(address), O(city),
        O(region), O(zip), O(country), O(phone), O(website) and O(company) belong to it.
      - With V(always), what differs is written.
      - With V(on_create), the profile is only used for a new customer. With O(api=subusers), that saves the call that
        reads it. Should a run be killed between the creation and the write of the profile, no later run makes up for
        it.
    type: str
    default: always
    choices: [always, on_create]
  first_name:
    description:
      - First name, at most 50 characters. Needed to create a customer.
      - With O(api=subusers), creation needs no attribute of the profile, and the limits of length do not apply. That
        holds for the following options up to O(company), too.
    type: str
  last_name:
    description: Last name, at most 50 characters. Needed to create a customer.
    type: str
  address:
    description: Street and number, at most 100 characters. Needed to create a customer.
    type: str
  city:
    description: City, at most 100 characters. Needed to create a customer.
    type: str
  region:
    description:
      - State, province or region, at most 100 characters. Needed to create a customer.
      - The API calls it C(state), a name that means something else in a module.
      - Write it in quotes. YAML takes V(ON) for a boolean.
    type: str
  zip:
    description:
      - Postal code, at most 50 characters. Needed to create a customer.
      - Write it in quotes. YAML takes V(04101) for the number 2113.
    type: str
  country:
    description:
      - Country, at most 100 characters. Needed to create a customer.
      - API v2 is known to keep the first 5 characters only. That counts as the same country, with a warning that says
        what is stored. A code such as V(US) avoids it.
      - Write it in quotes. YAML takes V(NO) for a boolean.
    type: str
  phone:
    description:
      - Phone number, at most 50 characters. Needed to create a customer.
      - Write it in quotes. YAML drops the plus sign of V(+12075550112), and takes V(12:30) for the number 750.
    type: str
  website:
    description:
      - Website, at most 255 characters. Needed to create a customer.
      - API v2 is known to put C(http://) before an address without a scheme. That counts as the same website, with a
        warning that says what is stored.
    type: str
  company:
    description:
      - Company, at most 255 characters. Needed to create a customer.
      - API v2 does not show it, but can search for it. When it is given for an existing customer, one further read with
        it as the filter tells whether it differs. The search looks for a part of the text, so a stored company that
        contains this one counts as the same. With O(api=subusers), it is compared like the rest of the profile.
    type: str
  active:
    description: Whether the customer may send mail. New customers may.
    type: bool
  website_access:
    description:
      - Whether the customer may log in to the website. New customers may.
      - It is compared if the server shows it. If not, as with O(api=subusers), O(update_website_access) decides.
    type: bool
  update_website_access:
    description:
      - What to do with O(website_access) on a server that does not show it.
      - V(always) sends it on each run, and reports a change each time.
      - V(on_create) sends it only with a new customer. Should a run be killed between the creation and this write, no
        later run makes up for it.
    type: str
    default: always
    choices: [always, on_create]
  package:
    description:
      - Name of the package to give a new customer, at most 255 characters. Needed to create a customer.
      - Used on creation only, and only with O(api=reseller).
    type: str
  whitelabel:
    description:
      - Domain name of the whitelabel for a new customer, at most 255 characters. Needed to create a customer.
      - With O(api=reseller), it is used on creation only.
      - With O(api=subusers), it is an authenticated domain of the account, which the customer may send from. Creation
        does not need it. Give the domain, or C(subdomain.domain) where the account has several of one domain.
      - With O(api=subusers), a domain that the customer has already, alone or among others, is no difference. Else the
        domain takes the place of the one that the customer has. A customer with several other domains is an error that
        names them. An empty text takes all domains away.
      - With O(api=subusers), it is an error before any write if the account does not have the domain, has not validated
        it, or if it belongs to another customer.
    type: str
  ip_groups:
    description:
      - Names of IP groups of your account for a new customer, each at most 255 characters.
      - A blank at an end of a name, as in V(News, Marketing), is an error. So is an empty name.
      - Used on creation only, and only with O(api=reseller).
    type: list
    elements: str
  ips:
    description:
      - IP addresses of your account for a new customer, if the package allows it.
      - With O(api=reseller), they are used on creation only. O(api=customer) does not have them.
      - With O(api=subusers), they are the IPv4 addresses that the customer sends from. They are compared as a set. Left
        out, the addresses are not looked at. An empty list takes all of them away.
      - With O(api=subusers), an address that is not of the account is an error before any write.
    type: list
    elements: str
  free_user:
    description:
      - Whether a new customer is a free one. Some accounts must say so.
      - Used on creation only, and only with O(api=reseller).
    type: bool
  billing_date:
    description:
      - First billing date of a new customer, if it is not today, as V(YYYY-mm-dd), at most one month ahead.
      - Used on creation only, and only with O(api=reseller). For an existing customer, a date in the past does not
        matter.
    type: str
  mail_domain:
    description:
      - An existing whitelabel record for a new customer.
      - Used on creation only, and only with O(api=customer).
    type: str
  credits:
    description:
      - How many messages the customer may send.
      - Needs O(api=subusers). Left out, or with V(null) for each part, the credits are not looked at. A new customer's
        credits are unlimited.
      - In a CSV file, each part has a column, such as C(credits.type).
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
          - How many credits, at least 1. Needed with V(recurring). An error with V(unlimited).
          - With V(nonrecurring), no call shows it. So it is needed and written only when O(credits.type) changes, and
            another total for a customer with V(nonrecurring) credits changes nothing.
        type: int
      reset_frequency:
        description: How often the credits are reset. Needed with V(recurring), and an error without it.
        type: str
        choices: [daily, weekly, monthly]
  data_residency:
    description:
      - Where the data of a new customer reside. The server's default is V(global).
      - Needs O(api=subusers). It cannot be changed. A customer that exists with another one is an error before any
        write.
      - Calls on behalf of a customer in the V(eu) go to O(eu_api_url).
    type: str
    choices: [global, eu]
    version_added: 0.2.0
  # End of the generated part
seealso:
  - module: mailfleet.sendgrid.reseller_customer_info
  - module: mailfleet.sendgrid.reseller_customer_password
"""

EXAMPLES = r"""
- name: Make sure that a customer exists
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

- name: Change what differs, and leave the rest alone
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    city: Bangor
    zip: "04401"

- name: Stop a customer from sending and from logging in
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    active: false
    website_access: false

- name: Make sure of a password, and set it only if it differs
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    password: "{{ mara_password }}"
    update_password: always

- name: Rename a customer
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: mara@lighthouse.example
    new_username: office@lighthouse.example

- name: Delete a customer, whose name stays taken for ever
  mailfleet.sendgrid.reseller_customer:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    username: office@lighthouse.example
    state: absent
"""

RETURN = r"""
customer:
  description:
    - The customer as the server shows it, read again after a change; in check mode as it is predicted.
    - The keys are the names of options. What the server does not show is V(null).
    - V(null) when there is no customer.
  returned: success, and failure after the customer was looked up
  type: dict
  contains:
    # Generated from tools/customer_options.yml by tools/generate_docs.py: results
    username:
      description: Name of the customer.
      type: str
      returned: always
    email:
      description: Contact address.
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
      description: Company. API v2 does not show it, so it is V(null) there.
      type: str
      returned: always
    active:
      description: Whether the customer may send mail.
      type: bool
      returned: always
    website_access:
      description: Whether the customer may log in to the website. Not every server shows it.
      type: bool
      returned: always
    whitelabel:
      description:
        - Authenticated domain that the customer may send from, empty if there is none.
        - V(null) where it was not asked for, and with API v2.
      type: str
      returned: always
    ips:
      description:
        - IP addresses that the customer sends from.
        - V(null) where they were not asked for, and with API v2.
      type: list
      elements: str
      returned: always
    credits:
      description:
        - Credits of the customer, with the parts C(type), C(total) and C(reset_frequency).
        - V(null) where they were not asked for, and with API v2. The total of V(nonrecurring) credits is always
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
    - The writes that the task needs, in their order. Empty when the customer is as it should be.
  returned: success, and failure after the customer was looked up
  type: list
  elements: dict
  contains:
    name:
      description:
        - One of V(create), V(delete), V(rename), V(set_email), V(set_profile), V(set_password), V(enable),
          V(disable), V(enable_website), V(disable_website).
      type: str
      returned: always
    status:
      description:
        - V(planned) in check mode, V(applied), V(failed), V(not_reached), or V(unknown) when the answer was lost and
          reading the customer again does not tell either.
      type: str
      returned: always
  sample:
    - name: disable
      status: applied
    - name: set_profile
      status: applied
unverified:
  description:
    - Attributes that were sent although nothing tells whether they were different.
  returned: success, and failure after the customer was looked up
  type: list
  elements: str
  sample: [website_access]
diff:
  description:
    - What changes, in the names of options. A secret is shown as V(********).
  returned: success, and failure after the customer was looked up
  type: dict
  contains:
    before:
      description: The attributes that the server showed before. Empty when there was no customer.
      type: dict
      returned: always
    after:
      description: The attributes after the changes, with those that are sent but never shown.
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
