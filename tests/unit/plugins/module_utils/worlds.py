# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as modules have them, and a world for their tasks: an API in memory and a clock that only sleeping moves."""

from __future__ import annotations

from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import ANN as STORED_ANN
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import (
    Clock,
    FakeHttp,
    FakeService,
    customer,
)

ANN = "ann@example.com"
BOB = customer("bob@example.com", active="false", city="Bergen")
KEY = "canary-key-1"
PASSWORD = "canary-password-1"
CONNECTION = {
    "api_url": "https://api.example.com/apiv2",
    "api_user": "acme",
    "api_key": KEY,
    "api": "reseller",
    "api_format": "json",
    "timeout": 30.0,
    "retries": 4,
    "max_retry_wait": 120.0,
    "requests_per_minute": 0,
    "validate_certs": True,
    "ca_path": None,
}
ATTRIBUTES = (
    "username", "email", "first_name", "last_name", "address", "city", "region", "zip", "country", "phone", "website",
    "company", "active", "website_access",
)  # fmt: skip
CREATION_ONLY = ("package", "whitelabel", "ip_groups", "ips", "free_user", "billing_date", "mail_domain")
NEW = {
    "password": PASSWORD, "email": "eve@example.com", "first_name": "Eve", "last_name": "Elm", "address": "5 Elm St",
    "city": "Exeter", "region": "EX", "zip": "05005", "country": "US", "phone": "555-0105",
    "website": "http://eve.example", "company": "Elm Ltd", "package": "Bronze", "whitelabel": "mail.eve.example",
}  # fmt: skip
# The options of one customer as a module has them, before any is given.
LEFT_OUT = {
    **dict.fromkeys((*ATTRIBUTES, *CREATION_ONLY, "password", "new_username")),
    "state": "present",
    "update_password": "on_create",
    "update_website_access": "always",
}


class World:
    """A service and the tasks that talk to it."""

    def __init__(self):
        self.clock = Clock()
        self.put(FakeService(STORED_ANN, BOB))

    def put(self, service, **faults):
        self.service = service
        self.http = FakeHttp(service, faults)

    def connect(self, connection, secrets=(), names=()):
        return Client(connection, secrets, names, sleep=self.clock.sleep, http=self.http)

    def customer(self, check_mode=False, **options):
        return _tasks.manage_customer({**CONNECTION, **LEFT_OUT, "username": ANN, **options}, check_mode, self.connect)

    def info(self, check_mode=False, **filters):
        names = [name for name in ATTRIBUTES if name != "website_access"]
        return _tasks.customer_info({**CONNECTION, **dict.fromkeys(names), **filters}, check_mode, self.connect)

    def password(self, check_mode=False, **options):
        wanted = {"username": ANN, "password": PASSWORD, "force": False, **options}
        return _tasks.manage_password({**CONNECTION, **wanted}, check_mode, self.connect)


def made(result):
    """The operations of a result, each with what came of it."""
    return [(operation["name"], operation["status"]) for operation in result["operations"]]
