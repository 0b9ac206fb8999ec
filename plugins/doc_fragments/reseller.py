# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options and attributes that modules and the inventory plugin share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - Base address of the API, up to and including C(apiv2), or C(v3) with O(api=subusers).
      - If not set, it is C(https://api.sendgrid.com/apiv2), or C(https://api.sendgrid.com/v3) with O(api=subusers).
      - Must be C(https), unless the host is this machine, since each call holds secrets.
      - This machine is C(localhost), C(127.0.0.0/8) or C([::1]). An address whose host programs could read in different
        ways is an error.
      - The environment variable E(SENDGRID_API_URL) is used before that. Where it is set to an empty text, it counts as
        not set.
    type: str
  eu_api_url:
    description:
      - Base address of the API for customers whose data reside in the EU. Used with O(api=subusers) only.
      - If not set, the environment variable E(SENDGRID_EU_API_URL) is used, unless it is an empty text.
      - If that is not set either, it is C(https://api.eu.sendgrid.com/v3), but only where O(api_url) is the vendor's
        own address. Else a call on behalf of such a customer is an error.
    type: str
  api_user:
    description:
      - Name of the account that owns the customers, or the word V(apikey) when O(api_key) is an API key.
      - Required, except with O(api=subusers), where it is not used.
      - A blank at an end, a line break or another control character is an error.
      - If not set, the environment variable E(SENDGRID_API_USER) is used. An empty text is an error where the name is
        required.
    type: str
  api_key:
    description:
      - Password of the account, or an API key. With O(api=subusers), an API key of API v3.
      - Write it in quotes. A number is an error, since V(01234567) is another number to YAML.
      - A line break or another control character is an error, and so is a blank at an end of an API key. The command
        C(echo x | ansible-vault encrypt_string) encrypts a line break with the text, C(printf %s x) does not.
      - It is sent in the body of a request, or with O(api=subusers) in the header C(Authorization), never in an
        address.
      - If not set, the environment variable E(SENDGRID_API_KEY) is used. An empty text is an error.
    type: str
    required: true
  api:
    description:
      - The API to use.
      - V(reseller) and V(customer) are two families of operations of API v2. V(reseller) is for accounts with a
        reseller contract, V(customer) for accounts that have subusers without one.
      - V(subusers) is API v3.
      - If not set, the environment variable E(SENDGRID_API) is used. An empty text is an error.
    type: str
    default: reseller
    choices: [reseller, customer, subusers]
  api_format:
    description:
      - Format of the answers. It makes no difference to any result.
      - V(xml) is an error with O(api=subusers).
    type: str
    default: json
    choices: [json, xml]
  timeout:
    description:
      - Seconds to wait for a connection, and between two bytes of an answer.
    type: float
    default: 30
  retries:
    description:
      - How often one call is tried again after a failure that may pass, with exponential backoff and jitter.
      - A call that must not happen twice, such as a creation, is never simply repeated. When its answer is lost, the
        customer is read again and what it shows decides.
    type: int
    default: 4
  max_retry_wait:
    description:
      - Seconds that one call may wait in all before it is tried again.
      - A server that asks to wait longer ends the task at once.
      - Also the seconds that an operation waits for a server that does not know yet the customer that the task created.
    type: float
    default: 120
  requests_per_minute:
    description:
      - A ceiling for the calls of one task.
      - With V(0) the calls are as fast as the rate-limit headers of the server allow.
    type: int
    default: 0
  validate_certs:
    description:
      - Whether the certificate of the server must be trusted.
      - Only turn this off for a test service of your own.
    type: bool
    default: true
  ca_path:
    description:
      - File or folder with the certificates of the authorities to trust, in PEM format. In a folder, the files have the
        names that C(openssl rehash) gives them.
      - If not set, the first of the environment variables E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) and E(SSL_CERT_FILE)
        that is set is used. Without one, the certificates of the Python library C(requests) are used.
    type: path
requirements:
  - requests
  - xmltodict, with O(api_format=xml)
notes:
  - Where an option takes a text, a boolean is an error, and a number is used as a text with a warning that shows it.
    Put such texts in quotes. To YAML, V(NO) and V(on) are booleans, V(04101) is 2113, V(12:30) is 750, and a plus sign
    before a number is nothing. For a secret, a number is an error too.
  - A value of the wrong kind is an error that names the option and the kind, and never shows the value.
  - API v2 tells nothing of the kind of a failure by its HTTP status; the answer itself is read.
  - A proxy is taken from the environment only, never from the settings of the system. The variables are E(HTTPS_PROXY),
    E(ALL_PROXY) and E(NO_PROXY), or their names in lower case. A SOCKS proxy needs the Python library C(PySocks).
  - The vendor announced that API v2 ends in February 2025. An account that it does not serve any more can be managed
    with O(api=subusers).
"""

    # Where an inventory plugin finds the options of DOCUMENTATION that its file leaves out. A module reads the same
    # variables, which its argument spec says.
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
      - What to read of each customer beyond the list, at the cost of one call for each customer.
      - V(profile) are the attributes from C(first_name) to C(company). With API v2 the list shows them
        anyhow, all but the company, and nothing more is read.
      - With O(api=subusers), a filter by an attribute of the profile reads the profiles, too.
    type: list
    elements: str
    choices: [profile]
    default: []
  concurrency:
    description:
      - How many customers to read at once, from 1 to 64.
    type: int
    default: 8
"""

    FILTERS = r"""
options:
  # Generated from tools/customer_options.yml by tools/generate_docs.py: filters
  username:
    description:
      - Only customers whose username contains this text.
      - A filter with blanks at an end, or with invisible characters anywhere, is an error, here as in all others.
    type: str
  email:
    description: Only customers whose e-mail address contains this text.
    type: str
  first_name:
    description: Only customers whose first name contains this text.
    type: str
  last_name:
    description: Only customers whose last name contains this text.
    type: str
  address:
    description: Only customers whose street and number contain this text.
    type: str
  city:
    description: Only customers whose city contains this text.
    type: str
  region:
    description: Only customers whose state, province or region contains this text.
    type: str
  zip:
    description: Only customers whose postal code contains this text.
    type: str
  country:
    description: Only customers whose country contains this text.
    type: str
  phone:
    description: Only customers whose phone number contains this text.
    type: str
  website:
    description: Only customers whose website contains this text.
    type: str
  company:
    description: Only customers whose company contains this text. The list of API v2 does not show the company itself.
    type: str
  active:
    description: Only customers that may send mail, or only those that may not.
    type: bool
  # End of the generated part
"""

    ATTRIBUTES = r"""
options: {}
notes:
  - A task on the controller (connection C(local)) does its work in the controller's own process, which takes
    milliseconds instead of half a second. It is shipped as a module where it needs a process of its own, for C(become),
    C(async), an C(environment) or another Python interpreter, and always when the variable
    C(sendgrid_direct_execution) is V(false). The results are the same.
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
      - This assumes that nothing else changes the customer between the two.
"""
