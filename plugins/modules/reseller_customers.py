#!/usr/bin/python
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reseller_customers
short_description: Manage the whole fleet of customers of a SendGrid reseller account
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Creates, changes, renames, enables, disables and deletes many customers (also called subusers) of a mail reseller in
    one task. These customers are the fleet.
  - Uses the SendGrid API v2, or API v3 with O(api=subusers).
  - Reads one list of all customers of the account. After that, writes only what differs, with several calls at the same
    time.
  - With O(api=subusers), the list comes in pages and shows no profile. If the fleet sets an attribute of a customer's
    profile, one more call reads this profile. If the list does not contain a username, one more call asks for it.
  - Compares and writes each customer like M(mailfleet.sendgrid.reseller_customer), with two differences. Each of them
    saves a call for each customer.
  - The first difference is O(customers[].company) if the server's list does not show it. The module does not compare
    it. It sends it for a new customer, and together with any other change of the profile. RV(not_compared) counts these
    customers.
  - The second difference is that the module does not read a customer again after a change.
  - Checks all options before the first call, and lists all problems in one message. Some problems only show in the
    server's list, such as a missing option for a customer that must be created. They are errors of this one customer.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - There is one diff for each customer that changes. It never contains passwords.
  idempotent:
    support: partial
    details:
      - The same as for M(mailfleet.sendgrid.reseller_customer), except for the company. With API v2, a company alone
        never causes a change.
options:
  customers:
    description:
      - The customers of the fleet, each with the options of M(mailfleet.sendgrid.reseller_customer).
      - Each username can appear only once. Similar usernames are an error, too. They differ only in case, composed or
        decomposed letters, width, spaces or invisible characters.
      - A warning names customers of the account with leading or trailing spaces or invisible characters in their
        usernames.
      - The value V(null) removes a default from a customer, and the module does not change the attribute.
      - Either this option or O(customers_file) is required.
    type: list
    elements: dict
    suboptions:
      # Generated from tools/customer_options.yml by tools/generate_docs.py: options
      username:
        description:
          - Username of the customer. It must match exactly. If the account only has a customer with a similar username,
            this customer fails.
          - A username with leading or trailing spaces of any kind, or with invisible characters anywhere, is an error
            before any call.
          - With API v2, the username can have up to 64 characters for a new customer, and up to 100 after a rename.
          - The server never assigns a username twice. The username of a deleted customer stays taken.
          - With O(api=subusers), the username must consist of printable ASCII characters other than C(%) and C(/), and
            must not be C(.), C(..), C(stats) or C(reputations). Only the server limits its length.
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
          - If only a customer with the new username exists, the rename is already done. If both usernames exist, this
            customer fails.
          - If neither username exists, the customer is created with the new username, provided that all options that
            creation requires are set.
          - With O(api=subusers), the same rules apply as for O(customers[].username), and the new username does not
            have to be an e-mail address.
          - The rename changes the customer's logins for SMTP and for the website immediately.
        type: str
      password:
        description:
          - Password of the customer. Required to create a customer. With API v2, it must have at least 6 characters.
          - With O(api=subusers), the password of a new customer must have 16 to 128 characters, including a letter and
            a digit. It cannot be changed later.
          - Put it in quotes. A number is an error, because YAML reads V(01234567) as a different number.
          - A line break or another control character is an error, because nobody can type it.
        type: str
      update_password:
        description:
          - V(on_create) uses O(customers[].password) only for a new customer.
          - V(always) checks the password of an existing customer, and sets it only if it differs.
          - V(always) takes one call for each of these customers in each run.
          - V(always) is an error with O(api=subusers), because API v3 can neither check nor reset a password.
        type: str
        default: on_create
        choices: [on_create, always]
      email:
        description:
          - E-mail address of the contact. Required to create a customer.
          - With API v2, it can have up to 64 characters for a new customer, and up to 100 later.
          - An address with leading or trailing spaces, or with invisible characters anywhere, is an error before any
            call. There is one exception. A task can pass a customer back with all attributes that
            M(mailfleet.sendgrid.reseller_customer_info) returned, if the address is exactly the one that the server
            shows. Such an address is never written.
        type: str
      update_profile:
        description:
          - Whether to update the profile of an existing customer. The profile consists of O(customers[].first_name),
            O(customers[].last_name), O(customers[].address), O(customers[].city), O(customers[].region),
            O(customers[].zip), O(customers[].country), O(customers[].phone), O(customers[].website) and
            O(customers[].company).
          - V(always) writes the attributes that differ.
          - V(on_create) uses the profile only for a new customer. With O(api=subusers), this saves the call that reads
            the profile. If a run is killed after it created the customer and before it wrote the profile, later runs do
            not write the profile.
        type: str
        default: always
        choices: [always, on_create]
      first_name:
        description:
          - First name. With API v2, it can have up to 50 characters, and is required to create a customer.
          - With O(api=subusers), creation requires no attribute of the profile, and the length limits do not apply. The
            description of O(customers[].update_profile) lists these attributes.
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
          - State, province or region. With API v2, it can have up to 100 characters, and is required to create a
            customer.
          - The API calls this attribute C(state). Here, O(customers[].state) means something else.
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
          - API v2 is known to store only the first 5 characters. They count as the same country, with a warning that
            shows the stored text. A code such as V(US) avoids this.
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
          - The list of API v2 does not show the company, so it is not compared. An existing customer gets it only
            together with another change of the profile. With O(api=subusers), the company is compared like the rest of
            the profile.
        type: str
      active:
        description: Whether the customer is allowed to send mail. New customers are.
        type: bool
      website_access:
        description:
          - Whether the customer is allowed to log in to the website. New customers are.
          - This is compared if the server shows it. If the server does not show it, as with O(api=subusers),
            O(customers[].update_website_access) decides whether it is sent.
        type: bool
      update_website_access:
        description:
          - When to send O(customers[].website_access) to a server that does not show it.
          - V(always) sends it in each run, and reports a change each time.
          - V(on_create) sends it only for a new customer. If a run is killed after it created the customer and before
            it sent this option, later runs do not send it.
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
          - With O(api=reseller), the domain name of the whitelabel for a new customer, at most 255 characters. Required
            to create a customer, and used only on creation.
          - With O(api=subusers), an authenticated domain of the account that the customer sends from. Give the domain,
            or C(subdomain.domain) where the account has several domains of this name.
          - With O(api=subusers), the module compares it. A domain that the customer already has, alone or among others,
            makes no difference. Otherwise it replaces the domain that the customer has. The task fails, and names the
            domains, if the customer has several other ones. An empty text takes all domains away.
          - With O(api=subusers), the task fails before any write if the account does not have the domain, if the domain
            is not validated, or if it belongs to another customer.
        type: str
      ip_groups:
        description:
          - Names of IP groups of your account for a new customer, at most 255 characters each.
          - An empty name is an error. A name with a leading or trailing space is an error, too, as in V(News,
            Marketing).
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
          - The module ignores the credits of the customer if the option is left out, or if each of its parts is
            V(null). A new customer has unlimited credits.
          - In a CSV file, each part has its own column, such as C(credits.type).
        type: dict
        version_added: 0.2.0
        suboptions:
          type:
            description:
              - V(unlimited) sets no limit.
              - V(recurring) sets the credits to O(customers[].credits.total) each time that
                O(customers[].credits.reset_frequency) says.
              - V(nonrecurring) sets the credits to O(customers[].credits.total) once.
            type: str
            choices: [unlimited, recurring, nonrecurring]
          total:
            description:
              - Number of credits, at least 1. Required with O(customers[].credits.type=recurring), not allowed with
                V(unlimited).
              - The server never shows the total of V(nonrecurring) credits. So the module requires and writes it only
                if O(customers[].credits.type) changes. Another total for a customer with V(nonrecurring) credits
                changes nothing.
            type: int
          reset_frequency:
            description:
              - How often the server resets the credits. Required with O(customers[].credits.type=recurring), and only
                allowed then.
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
  customers_file:
    description:
      - Path of a file with the customers of the fleet. Use it instead of O(customers). The file is read on the
        controller, and searched for like the C(src) of C(ansible.builtin.copy).
      - Nothing in the file is a template. This makes a file the fastest way for thousands of customers.
      - The extension of the file decides its format. It must be V(.csv), V(.json), V(.yml) or V(.yaml).
      - A CSV file has commas as separators, and the names of options in its first line. An empty cell means that the
        option is not set. Semicolons separate the items of a list. Booleans have the same words as in YAML. All other
        values are texts without any interpretation, even if they begin with C(=), C(+), C(-) or C(@). A cell can
        neither empty an attribute nor remove a default.
      - A JSON or YAML file contains a list of dictionaries, like O(customers).
      - The encoding is UTF-8, with or without a byte order mark. The maximum size is 64 MiB.
      - The file can be encrypted with Ansible Vault. In a YAML file, single values can be encrypted, too.
    type: path
  defaults:
    description:
      - Options for all customers that do not set them. All options of a customer are allowed, except C(username) and
        C(new_username).
    type: dict
  passwords:
    description:
      - Passwords by username. You can keep them in a separate file that is encrypted with Ansible Vault.
      - O(customers[].password) overrides this option, and this option overrides a password in O(defaults).
      - The password of a customer with a O(customers[].new_username) is looked up by C(username) first, and then by
        C(new_username).
      - Usernames that are not in the fleet are ignored.
    type: dict
  purge:
    description:
      - Whether to delete all unmanaged customers. An unmanaged customer is a customer of the account that O(customers)
        or O(customers_file) names neither as O(customers[].username) nor as O(customers[].new_username).
      - The username of a deleted customer stays taken forever. Look at the diff of a run in check mode first.
      - Deletions begin after all customers of the fleet are done. If one of them has an error, nothing is deleted. This
        also applies to an error that is known before the first write, and to O(on_error=continue). The customers to
        delete then count as C(not_reached), and the task fails with the reason.
      - If the task would create a customer, and an unmanaged customer has the same e-mail address (ignoring case), the
        module assumes that somebody renamed the customer. This is an error of this customer, and nothing is deleted.
        Set O(customers[].new_username), or delete the unmanaged customer first. It is not an error if an existing
        customer of the fleet has the same address, because several customers then share it.
      - Some unmanaged customers are never deleted. Either their usernames are similar to one of the fleet, or the
        stored usernames have leading or trailing spaces or invisible characters. A warning names them.
      - With O(api=subusers), the pages of the list must be consistent. If customers move while they are listed, the
        list is read again, up to three times in total. After that, the task fails, and nothing is changed.
      - The list of API v3 can hide customers that are not allowed to send mail. Such hidden customers are not deleted,
        and do not count. If the list shows no customer of this kind, a warning says so.
      - If the fleet has no customers, this option is an error.
    type: bool
    default: false
  max_deletions:
    description:
      - Maximum number of customers that O(purge) can delete. If there are more to delete, the task fails before any
        write. This check comes first.
      - Customers with O(customers[].state=absent) do not count.
      - Required with O(purge=true).
    type: int
  concurrency:
    description:
      - How many calls can run at the same time, from 1 to 64.
      - All calls share the rate limit of the server. If the server refuses a call because there were too many, all
        calls wait.
    type: int
    default: 8
  on_error:
    description:
      - What to do if a customer fails.
      - V(continue) goes on with the other customers. V(stop) makes no further call. In both cases, the task fails and
        O(purge) deletes nothing.
      - An error that would affect every customer, such as a wrong O(api_key), always ends the run.
    type: str
    default: continue
    choices: [continue, stop]
seealso:
  - module: mailfleet.sendgrid.reseller_customer
  - module: mailfleet.sendgrid.reseller_customer_info
"""

EXAMPLES = r"""
- name: Manage a fleet
  mailfleet.sendgrid.reseller_customers:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    customers:
      - username: mara@lighthouse.example
        city: Portland
        active: true
      - username: jonas@birch.example
        active: false
        website_access: false
      - username: olga@old.example
        state: absent

- name: Manage a fleet from a CSV file
  mailfleet.sendgrid.reseller_customers:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    customers_file: fleet.csv
    defaults:
      country: US
      package: Bronze
      whitelabel: mail.example.com
    passwords: "{{ fleet_passwords }}"

- name: Delete customers that are not in the fleet, but never more than ten
  mailfleet.sendgrid.reseller_customers:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    customers: "{{ fleet }}"
    purge: true
    max_deletions: 10
  register: converged

- name: Show the summary
  ansible.builtin.debug:
    var: converged.summary
"""

RETURN = r"""
summary:
  description: Number of customers by result. Each customer counts once.
  returned: when the customers were compared with the list
  type: dict
  contains:
    created:
      description: Customers that were created.
      type: int
    updated:
      description: Customers that were changed.
      type: int
    renamed:
      description: Customers that were renamed, with or without other changes.
      type: int
    deleted:
      description: Customers that were deleted.
      type: int
    unchanged:
      description: Customers that already matched the fleet.
      type: int
    failed:
      description: Customers that failed. Some of their operations may have been applied.
      type: int
    not_reached:
      description:
        - Customers that still need a change, because the run ended before it or did not allow it.
      type: int
  sample:
    created: 2
    updated: 14
    renamed: 0
    deleted: 1
    unchanged: 983
    failed: 0
    not_reached: 0
results:
  description:
    - The customers that changed or failed, in the order of the fleet. The customers that O(purge) deletes come last.
  returned: when the customers were compared with the list
  type: list
  elements: dict
  contains:
    username:
      description: Username of the customer, as in O(customers[].username).
      type: str
    changed:
      description: Whether the customer was changed.
      type: bool
    failed:
      description: Whether the customer failed.
      type: bool
    msg:
      description: The error message. Empty if there is no error.
      type: str
    operations:
      description:
        - The write operations and their status, as in RV(mailfleet.sendgrid.reseller_customer#module:operations).
      type: list
      elements: dict
    customer:
      description:
        - The customer as the list showed it, with the values that were written after that. V(null) if the customer does
          not exist.
        - If the server stores a value in a different form, only the next run shows this.
      type: dict
  sample:
    - username: mara@lighthouse.example
      changed: true
      failed: false
      msg: ""
      operations:
        - name: set_profile
          status: applied
      customer:
        username: mara@lighthouse.example
        city: Portland
not_reached_reasons:
  description: Why customers were not reached. Each reason is one sentence with the number of customers.
  returned: when customers were not reached, or any failed
  type: list
  elements: str
  sample:
    - 2 of 40 customers were not reached, because on_error is stop.
unverified:
  description:
    - By username, the attributes that were sent without a comparison, because the server does not show whether they
      differ.
    - If a username begins with C(_ansible_) or C(__ansible_), the customer is missing here and a warning says so,
      because Ansible reserves such keys.
  returned: when the customers were compared with the list
  type: dict
  sample:
    mara@lighthouse.example: [company]
not_compared:
  description:
    - By attribute, the number of existing customers for which the fleet sets it, but for which the module did not
      compare it, because the server's list does not show it.
    - With API v2, this is O(customers[].company), O(customers[].password) with
      O(customers[].update_password=on_create), and the attributes that only a creation sets, such as
      O(customers[].package). With API v3, this is O(customers[].password).
  returned: when the customers were compared with the list
  type: dict
  sample:
    company: 1000
    package: 1000
diff:
  description: One entry with RV(ignore:before) and RV(ignore:after) for each customer that changed.
  returned: when the customers were compared with the list
  type: list
  elements: dict
  sample:
    - before: {city: Bangor}
      after: {city: Portland}
      before_header: mara@lighthouse.example
      after_header: mara@lighthouse.example
"""

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import explain_fleet, fleet_spec, run


def main() -> None:
    run(manage_fleet, fleet_spec(), explain=explain_fleet)


if __name__ == "__main__":
    main()
