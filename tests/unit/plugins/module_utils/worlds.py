# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as modules have them, and a world for their tasks: an API in memory and a clock that only sleeping moves."""

from __future__ import annotations

from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _info, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import (
    connection_spec,
    customer_spec,
    info_spec,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.desired import complete
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


def defaults(spec):
    """The options of a module as it has them, before any is given."""
    return {name: option.get("default") for name, option in spec.items()}


def own_defaults(spec):
    """The same without those of the connection."""
    return {name: value for name, value in defaults(spec).items() if name not in connection_spec()}


CONNECTION = {
    **defaults(connection_spec()),
    "api_url": "https://api.example.com/apiv2",
    "api_user": "acme",
    "api_key": KEY,
}
# The attributes that a creation needs, except for the name.
NEW = {name: value for name, value in complete(password=PASSWORD).items() if name != "username"}
# The options of one customer and of a list of all, before any is given.
LEFT_OUT = own_defaults(customer_spec())
UNFILTERED = own_defaults(info_spec())


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
        return _info.customer_info({**CONNECTION, **UNFILTERED, **filters}, check_mode, self.connect)

    def password(self, check_mode=False, **options):
        wanted = {"username": ANN, "password": PASSWORD, "force": False, **options}
        return _tasks.manage_password({**CONNECTION, **wanted}, check_mode, self.connect)


def made(result):
    """The operations of a result with their statuses."""
    return [(operation["name"], operation["status"]) for operation in result["operations"]]
