# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The only entry to the APIs: from the option `api` to the capabilities of that API, and to the API itself.

The layers above it name no API. The layers below it do not know each other.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities, CustomerApi
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import fields as _v2_fields
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.api import V2Api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3 import fields as _v3_fields
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api import V3Api

if t.TYPE_CHECKING:
    from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api_keys import ApiKeys

# The choices of the option `api`, the default first.
CHOICES: tuple[str, ...] = (*_v2_fields.FAMILIES, _v3_fields.SUBUSERS)


def capabilities(choice: t.Any) -> Capabilities:
    """The capabilities of an API. An unknown choice gives those of the default: another check reports it."""
    if choice == _v3_fields.SUBUSERS:
        return _v3_fields.capabilities()
    return _v2_fields.capabilities(choice if choice in CHOICES else CHOICES[0])


def can_read(answer_format: t.Any) -> bool:
    """Whether this Python has the library for answers in the format. Only XML needs one: xmltodict."""
    if answer_format != "xml":
        return True
    from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.xml_answers import HAS_XMLTODICT

    return HAS_XMLTODICT


def open_api_keys(client: Client, api: CustomerApi, username: str, key: t.Any) -> ApiKeys:
    """The API keys of one customer that exists. `key`: as its Customer has it. To be asked of an API that has them."""
    from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api_keys import V3ApiKeys

    return V3ApiKeys(t.cast(V3Api, api), username, key, client.redact)


def open_api(client: Client, choice: str) -> CustomerApi:
    """The customers of the account that the client is for."""
    return V3Api(client) if choice == _v3_fields.SUBUSERS else V2Api(client, choice)
