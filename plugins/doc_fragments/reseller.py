# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options and attributes that the modules and the inventory plugin share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - Base URL of the API, up to and including C(apiv2), or C(v3) with O(api=subusers).
      - If not set, the environment variable E(SENDGRID_API_URL) is used, unless it is empty.
      - If neither is set, the default is C(https://api.sendgrid.com/apiv2), or C(https://api.sendgrid.com/v3) with
        O(api=subusers).
      - The URL must start with C(https), because each call contains secrets. C(http) is allowed only for this machine,
        which is C(localhost), C(127.0.0.0/8) or C([::1]).
      - A URL is an error if different programs could read a different host from it.
    type: str
  eu_api_url:
    description:
      - Base URL of the API for customers with data residency in the EU. Used only with O(api=subusers).
      - If not set, the environment variable E(SENDGRID_EU_API_URL) is used, unless it is empty.
      - If neither is set, the default is C(https://api.eu.sendgrid.com/v3), but only if O(api_url) is the vendor's own
        URL. With another O(api_url), a call on behalf of such a customer is an error.
    type: str
  api_user:
    description:
      - Name of the account that owns the customers. If O(api_key) is an API key, set this option to V(apikey).
      - Required, except with O(api=subusers), which does not use it.
      - A leading or trailing space, a line break or another control character is an error.
      - If not set, the environment variable E(SENDGRID_API_USER) is used. An empty text is an error if the option is
        required.
    type: str
  api_key:
    description:
      - Password of the account, or an API key. With O(api=subusers), it must be an API key of API v3.
      - Put it in quotes. A number is an error, because YAML reads V(01234567) as a different number.
      - A line break or another control character is an error. An API key with a leading or trailing space is an error,
        too.
      - The command C(echo x | ansible-vault encrypt_string) encrypts a line break together with the text. Use
        C(printf %s x | ansible-vault encrypt_string), which does not.
      - The key is sent in the body of a request, or with O(api=subusers) in the C(Authorization) header. It is never
        part of a URL.
      - If not set, the environment variable E(SENDGRID_API_KEY) is used. An empty text is an error.
    type: str
    required: true
  api:
    description:
      - The API to use.
      - V(reseller) and V(customer) are two families of operations of API v2. Use V(reseller) for an account with a
        reseller contract. Use V(customer) for an account that has subusers, but no reseller contract.
      - V(subusers) is API v3.
      - If not set, the environment variable E(SENDGRID_API) is used. An empty text is an error.
    type: str
    default: reseller
    choices: [reseller, customer, subusers]
  api_format:
    description:
      - Format of the server's answers. The results are the same with both formats.
      - V(xml) is an error with O(api=subusers).
    type: str
    default: json
    choices: [json, xml]
  timeout:
    description:
      - How many seconds to wait for a connection, and between two bytes of an answer.
    type: float
    default: 30
  retries:
    description:
      - How often to retry one call after a temporary failure, with exponential backoff and jitter.
      - A call that must not happen twice, such as a creation, is never simply repeated. If its answer is lost, the
        customer is read again, and the state of the customer decides what happens next.
    type: int
    default: 4
  max_retry_wait:
    description:
      - How many seconds one call can wait in total before its retries.
      - If the server asks for a longer wait, the task ends at once.
      - It also limits how many seconds an operation waits for the server to know a customer that the task has just
        created.
    type: float
    default: 120
  requests_per_minute:
    description:
      - Maximum number of calls per minute of one task.
      - With V(0), the calls are as fast as the rate-limit headers of the server allow.
    type: int
    default: 0
  validate_certs:
    description:
      - Whether to verify the certificate of the server.
      - Set it to V(false) only for a test service of your own.
    type: bool
    default: true
  ca_path:
    description:
      - File or directory with the certificates of the trusted authorities, in PEM format. In a directory, the files
        must have the names that C(openssl rehash) creates.
      - If not set, the environment variables E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) and E(SSL_CERT_FILE) are tried in
        this order. If none is set, the certificates of the Python library C(requests) are used.
    type: path
requirements:
  - requests
  - xmltodict, with O(api_format=xml)
notes:
  - If an option takes a text, a boolean is an error. A number is used as a text, with a warning that shows it. If the
    option is a secret, a number is an error, too.
  - Put texts in quotes that YAML would read differently. YAML reads V(NO) and V(on) as booleans, V(04101) as 2113 and
    V(12:30) as 750, and it drops a plus sign before a number.
  - A value of the wrong type is an error. The message names the option and the type, and never shows the value.
  - The HTTP status of API v2 does not tell which kind of failure happened. The collection reads the answer itself.
  - A proxy is taken only from the environment, never from the settings of the system. The variables are E(HTTPS_PROXY),
    E(ALL_PROXY) and E(NO_PROXY), or the same names in lower case. A SOCKS proxy requires the Python library C(PySocks).
  - The vendor announced the end of API v2 for February 2025. If API v2 does not serve your account any more, use
    O(api=subusers).
"""

    # Where an inventory plugin finds the options of DOCUMENTATION that its file does not set. A module reads the same
    # variables; its argument spec names them.
    INVENTORY = r"""
options:
  api_url:
    env:
      - name: SENDGRID_API_URL
  api_user:
    env:
      - name: SENDGRID_API_USER
  api_key:
    env:
      - name: SENDGRID_API_KEY
  api:
    env:
      - name: SENDGRID_API
  eu_api_url:
    env:
      - name: SENDGRID_EU_API_URL
"""

    DETAILS = r"""
options:
  details:
    description:
      - What to read of each customer in addition to the list. Each choice has a cost in calls.
      - V(profile) stands for C(first_name), C(last_name), C(address), C(city), C(region), C(zip), C(country), C(phone),
        C(website) and C(company). It takes one call for each customer.
      - V(whitelabel) and V(credits) stand for the attributes with these names. Each takes one call for each customer.
      - V(ips) stands for C(ips). One list of the IP addresses of the account, in pages of 500, tells it for all
        customers.
      - Data residency needs no choice, because the list of API v3 shows it.
      - With O(api=subusers), a filter by an attribute of the profile also reads the profiles.
      - API v2 does not make further calls, whatever the choices are. Its list always shows the profile, except for the
        company. It never shows the attributes of the other choices, so their values are V(null).
    type: list
    elements: str
    choices: [profile, whitelabel, ips, credits]
    default: []
  concurrency:
    description:
      - How many customers to read at the same time, from 1 to 64.
    type: int
    default: 8
"""

    FILTERS = r"""
options:
  # Generated from tools/customer_options.yml by tools/generate_docs.py: filters
  username:
    description:
      - Select only customers whose username contains this text.
      - Any filter with leading or trailing spaces, or with invisible characters anywhere, is an error.
    type: str
  email:
    description: Select only customers whose e-mail address contains this text.
    type: str
  first_name:
    description: Select only customers whose first name contains this text.
    type: str
  last_name:
    description: Select only customers whose last name contains this text.
    type: str
  address:
    description: Select only customers whose street and number contain this text.
    type: str
  city:
    description: Select only customers whose city contains this text.
    type: str
  region:
    description: Select only customers whose state, province or region contains this text.
    type: str
  zip:
    description: Select only customers whose postal code contains this text.
    type: str
  country:
    description: Select only customers whose country contains this text.
    type: str
  phone:
    description: Select only customers whose phone number contains this text.
    type: str
  website:
    description: Select only customers whose website contains this text.
    type: str
  company:
    description:
      - Select only customers whose company contains this text. The list of API v2 does not show the company itself.
    type: str
  active:
    description: Select only customers that are allowed to send mail, or with V(false) only those that are not.
    type: bool
  # End of the generated part
"""

    ATTRIBUTES = r"""
options: {}
notes:
  - On the controller (connection C(local)), a task runs in the controller's own process. This takes milliseconds
    instead of half a second.
  - A task that needs a process of its own is shipped as a module. The reasons are C(become), C(async), an
    C(environment) or another Python interpreter. If the variable C(sendgrid_direct_execution) is V(false), each task is
    shipped. The results are the same.
attributes:
  action_group:
    description:
      - Use C(group/mailfleet.sendgrid.reseller) in C(module_defaults) to set the connection once for all modules.
    support: full
    membership:
      - mailfleet.sendgrid.reseller
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying anything.
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that nothing else changes the customer between the two runs.
"""
