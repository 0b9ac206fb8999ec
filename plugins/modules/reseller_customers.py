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
  - Makes many customers (in other words subusers) of a mail reseller what they should be, in one task.
  - One list shows all customers of the account. After that, only what differs is written, by several calls at once.
  - With O(api=subusers), the list comes in pages and shows no profile. One more call reads the profile of each customer
    for which the fleet gives an attribute of it. A name that the list lacks is asked for by itself.
  - Each customer is compared and written as by M(mailfleet.sendgrid.reseller_customer), with two differences, both of
    which save a call for each customer. A O(customers[].company) that the server's list hides is sent to a new customer
    and along with any other change of the profile, and is not compared. RV(not_compared) counts such customers. And a
    customer that was changed is not read again.
  - All options are checked before the first call, and everything that is wrong is told in one message. What only
    the server's list can show, such as a creation that lacks a field, is an error of that one customer.
extends_documentation_fragment:
  - mailfleet.sendgrid.reseller
  - mailfleet.sendgrid.reseller.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - There is one diff for each customer that changes. Passwords never appear in it.
  idempotent:
    support: partial
    details:
      - As for M(mailfleet.sendgrid.reseller_customer). With API v2, a company never makes a change by itself.
options:
  customers:
    description:
      - The customers, each with the options of M(mailfleet.sendgrid.reseller_customer).
      - Each username may stand here once only. Usernames that only look alike are errors, too, whether they differ by
        case, composed or decomposed letters, width, blanks or invisible characters.
      - A warning tells of customers whose stored usernames have blanks at an end or invisible characters.
      - The value V(null) takes a default away from a customer. The attribute is then left alone.
      - Either this option or O(customers_file) is required.
    type: list
    elements: dict
    suboptions:
      # Generated from tools/customer_options.yml by tools/generate_docs.py: options
      username:
        description:
          - The customer, matched exactly. If only a name exists that looks alike, that is an error of this customer.
          - A name with blanks of any kind at an end, or with invisible characters anywhere, is an error before any
            call.
          - A new customer's name may have 64 characters, one that was renamed may have 100.
          - The server never gives a name away twice. Once a customer was deleted, its name stays taken.
          - With O(api=subusers), the name must consist of printable ASCII characters without C(%) and C(/), and must
            not be C(.), C(..), C(stats) or C(reputations). Its length is up to the server.
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
          - When only a customer of this name exists, the rename is done already. When both exist, that is an error of
            this customer.
          - When neither exists, the customer is created under this name, if everything that creation needs is given.
          - With O(api=subusers), the same rules hold as for O(customers[].username), and it need not be an e-mail
            address.
          - The customer's logins to SMTP and to the website change at once.
        type: str
      password:
        description:
          - The password, of at least 6 characters. Needed to create a customer.
          - With O(api=subusers), a new customer's password has 16 to 128 characters, a letter and a digit among them.
            It cannot be set later.
          - Write it in quotes. A number is an error, since V(01234567) is another number to YAML.
          - A line break or another control character is an error, since nobody can type it.
        type: str
      update_password:
        description:
          - With V(on_create), O(customers[].password) is only used for a new customer.
          - With V(always), the password of an existing customer is checked, and set only if it is another one.
          - V(always) costs one call for each such customer, in each run.
          - V(always) is an error with O(api=subusers), which can neither check nor reset a password.
        type: str
        default: on_create
        choices: [on_create, always]
      email:
        description:
          - The contact address. At most 64 characters for a new customer, at most 100 later. Needed to create a
            customer.
          - An address with blanks at an end, or with invisible characters anywhere, is an error before any call. Only
            in a customer that is fed back with all attributes that M(mailfleet.sendgrid.reseller_customer_info) shows
            may it stand, and only if the server shows this very address. It is never written.
        type: str
      update_profile:
        description:
          - Whether the profile of a customer that exists is managed. O(customers[].first_name),
            O(customers[].last_name), O(customers[].address), O(customers[].city), O(customers[].region),
            O(customers[].zip), O(customers[].country), O(customers[].phone), O(customers[].website) and
            O(customers[].company) belong to it.
          - With V(always), what differs is written.
          - With V(on_create), the profile is only used for a new customer. With O(api=subusers), that saves the call
            that reads it. Should a run be killed between the creation and the write of the profile, no later run makes
            up for it.
        type: str
        default: always
        choices: [always, on_create]
      first_name:
        description:
          - First name, at most 50 characters. Needed to create a customer.
          - With O(api=subusers), creation needs no attribute of the profile, and the limits of length do not apply.
            That holds for the following options up to O(customers[].company), too.
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
          - API v2 is known to keep the first 5 characters only. That counts as the same country, with a warning that
            says what is stored. A code such as V(US) avoids it.
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
          - API v2 is known to put C(http://) before an address without a scheme. That counts as the same website, with
            a warning that says what is stored.
        type: str
      company:
        description:
          - Company, at most 255 characters. Needed to create a customer.
          - The list of API v2 hides it, so it is sent with other changes of the profile only. With O(api=subusers), it
            is compared like the rest of the profile.
        type: str
      active:
        description: Whether the customer may send mail. New customers may.
        type: bool
      website_access:
        description:
          - Whether the customer may log in to the website. New customers may.
          - It is compared if the server shows it. If not, as with O(api=subusers), O(customers[].update_website_access)
            decides.
        type: bool
      update_website_access:
        description:
          - What to do with O(customers[].website_access) on a server that does not show it.
          - V(always) sends it on each run, and reports a change each time.
          - V(on_create) sends it only with a new customer. Should a run be killed between the creation and this write,
            no later run makes up for it.
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
          - Used on creation only, and only with O(api=reseller).
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
          - Used on creation only, and only with O(api=reseller).
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
      # End of the generated part
  customers_file:
    description:
      - A file with the customers, in place of O(customers). It is read on the controller, and searched for like the
        C(src) of C(ansible.builtin.copy).
      - Nothing in the file is a template. That makes it the fastest way for thousands of customers.
      - The ending of its name decides what it is, V(.csv), V(.json), V(.yml) or V(.yaml).
      - A CSV file has commas and a first line with names of options. An empty cell counts as left out. Semicolons
        separate the items of a list. The words for booleans are those of YAML. All other values are texts as they are,
        also if they begin with C(=), C(+), C(-) or C(@). A cell can neither empty an attribute nor take a default
        away.
      - A JSON or YAML file holds a list of dicts, as O(customers) does.
      - The encoding is UTF-8, with or without a byte order mark. The file may have 64 MiB at most.
      - Ansible Vault may have encrypted the file. In YAML, it may have encrypted single values.
    type: path
  defaults:
    description:
      - Options that hold for every customer that does not set them, all but C(username) and C(new_username).
    type: dict
  passwords:
    description:
      - Passwords by username, so that they can stand in a file of their own that Ansible Vault has encrypted.
      - A customer's own O(customers[].password) wins over it, and it wins over one in O(defaults).
      - A customer that is renamed is looked for by its C(username) first, then by its C(new_username).
      - Names of other customers are ignored.
    type: dict
  purge:
    description:
      - Whether to delete every customer of the account that O(customers) or O(customers_file) does not name, neither by
        O(customers[].username) nor by O(customers[].new_username).
      - A deleted username stays taken for ever. Look at the diff of a run in check mode first.
      - Deletions begin when all customers of the fleet are done. None is made if one of them has an error, be it
        known before the first write or not, with O(on_error=continue), too. The customers to delete then count as
        C(not_reached), and the task fails and says why.
      - A customer that would be created, while one that the fleet does not name has its e-mail address (without case),
        is taken for one that somebody renamed. That is an error of this customer, and nothing is deleted. Give it
        O(customers[].new_username), or delete the other one first. If a customer of the fleet that exists has the
        same address, several customers share it, and it is no error.
      - A customer whose name looks like one of the fleet is never deleted, nor one whose stored name has blanks at
        an end or invisible characters. A warning tells of them.
      - With O(api=subusers), it needs a list whose pages fit together. If customers move while they are listed, the
        list is read anew, three times in all. Then the task fails, and nothing is changed.
      - The list of API v3 may hide customers that may not send. They are not deleted then, and do not count. A warning
        tells of a list that shows no such customer.
      - With a fleet without customers, it is an error.
    type: bool
    default: false
  max_deletions:
    description:
      - The most customers that O(purge) may delete. If there are more to delete, the task fails before any write. This
        is checked first.
      - Customers with O(customers[].state=absent) do not count.
      - Required with O(purge=true).
    type: int
  concurrency:
    description:
      - How many calls may be under way at once, from 1 to 64.
      - They share what the server allows. When it refuses a call because there were too many, all of them wait.
    type: int
    default: 8
  on_error:
    description:
      - What to do when a customer fails.
      - V(continue) goes on with the other customers, V(stop) makes no further call. The task fails in both cases, and
        O(purge) deletes nothing.
      - An error that every customer would meet, such as a wrong O(api_key), always ends the run.
    type: str
    default: continue
    choices: [continue, stop]
seealso:
  - module: mailfleet.sendgrid.reseller_customer
  - module: mailfleet.sendgrid.reseller_customer_info
"""

EXAMPLES = r"""
- name: Keep a whole fleet as it should be
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

- name: Keep a fleet as a table from another system says
  mailfleet.sendgrid.reseller_customers:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    customers_file: fleet.csv
    defaults:
      country: US
      package: Bronze
      whitelabel: mail.example.com
    passwords: "{{ fleet_passwords }}"

- name: Delete whoever is not in the list any more, but never more than ten
  mailfleet.sendgrid.reseller_customers:
    api_user: "{{ reseller_name }}"
    api_key: "{{ reseller_key }}"
    customers: "{{ fleet }}"
    purge: true
    max_deletions: 10
  register: converged

- name: Show what became of it
  ansible.builtin.debug:
    var: converged.summary
"""

RETURN = r"""
summary:
  description: How many customers there are of each kind. Each one counts once.
  returned: when the customers were compared with the list
  type: dict
  contains:
    created:
      description: Customers that were created.
      type: int
    updated:
      description: Customers of which something was changed.
      type: int
    renamed:
      description: Customers that were renamed, whatever else was changed of them.
      type: int
    deleted:
      description: Customers that were deleted.
      type: int
    unchanged:
      description: Customers that are as they should be.
      type: int
    failed:
      description: Customers that failed. Some of their operations may have been applied.
      type: int
    not_reached:
      description: Customers for which something is left to do, because the run ended before that or was held back.
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
    - The customers that changed or failed, in the order of the fleet, and after them those that O(purge) deletes.
  returned: when the customers were compared with the list
  type: list
  elements: dict
  contains:
    username:
      description: The customer, as O(customers[].username) names it.
      type: str
    changed:
      description: Whether anything was changed.
      type: bool
    failed:
      description: Whether it failed.
      type: bool
    msg:
      description: The error; empty without one.
      type: str
    operations:
      description:
        - The operations with their status, as in RV(mailfleet.sendgrid.reseller_customer#module:operations).
      type: list
      elements: dict
    customer:
      description:
        - The customer as the list showed it, with what was written since. V(null) when there is none.
        - What the server makes of the values shows in the next run.
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
  description: Why customers were not reached, a sentence for each reason with the number of customers.
  returned: when customers were not reached, or any failed
  type: list
  elements: str
  sample:
    - 2 of 40 customers were not reached, because on_error is stop.
unverified:
  description:
    - By username, the attributes that were sent although nothing tells whether they differed.
    - Leaves out customers whose username begins with C(_ansible_) or C(__ansible_), with a warning, because Ansible
      keeps such keys for itself.
  returned: when the customers were compared with the list
  type: dict
  sample:
    mara@lighthouse.example: [company]
not_compared:
  description:
    - By attribute, for how many existing customers it was given and not compared, because that would take a call for
      each of them. With API v2, that is O(customers[].company). With API v3, there is no such attribute.
  returned: when the customers were compared with the list
  type: dict
  sample:
    company: 1000
diff:
  description: One entry for each customer that changed, with RV(ignore:before) and RV(ignore:after).
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
