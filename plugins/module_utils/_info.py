# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Lists customers for reseller_customer_info and the inventory. No Ansible here.

The functions are like those of `_tasks`. They do not import the code that changes customers, which saves start time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import capabilities, open_api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    BY_NAME,
    FILTERS,
    as_result,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import base_address, filter_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import (
    Connect,
    Options,
    Result,
    check_options,
    concurrency_problems,
    open_client,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.filters import matches
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import (
    by_username,
    escape_hidden,
    hidden_names,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    Cancelled,
    CollectionError,
    as_collection_error,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._workers import as_completed, worker_threads


def customer_info(options: Options, check_mode: bool, connect: Connect = Client) -> Result:
    """reseller_customer_info: the customers that match the filters. Check mode makes no difference."""
    result = list_customers(options, check_mode, connect)
    listed = result["customers"]
    extra, warnings = by_username({customer["username"]: customer.pop("extra") for customer in listed}, "extra")
    warnings += hidden_names(customer["username"] for customer in listed)
    warnings += result["warnings"]
    return {
        "changed": False,
        "customers": listed,
        "extra": extra,
        "count": len(listed),
        "account": _account(options),
        "warnings": warnings,
    }


def _account(options: Options) -> Result:
    """The account that the customers belong to. Without a name, if the API does not use it."""
    is_unused = "api_user" in capabilities(options["api"]).connection.unused
    return {
        "api": options["api"],
        "api_url": base_address(options["api_url"]),
        # A plain text, even if an environment variable set it.
        "api_user": None if is_unused else str(options["api_user"]),
    }


def list_customers(options: Options, _check_mode: bool, connect: Connect = Client) -> Result:
    """Lists the same customers for the inventory: `customers`, each with its own `extra`, and `warnings`."""
    filters = {name: options[name] for name in FILTERS if options[name] is not None}
    can = capabilities(options["api"])
    check_options(options, can, [*filter_problems(filters), *concurrency_problems(options)])
    further = can.shown_by({*options["details"], *(BY_NAME[name].detail for name in filters)})
    with open_client(options, connect) as client:
        listed = open_api(client, options["api"]).customers(filters).customers
        warnings = _read_details(client, options, listed, further) if further else []
    filters = {name: value for name, value in filters.items() if name in further}
    listed = [customer for customer in listed if matches(customer.attributes, filters)]
    listed.sort(key=lambda customer: customer.username)
    customers = [{**as_result(customer.attributes), "extra": customer.extra} for customer in listed]
    return {"customers": customers, "warnings": warnings}


def _read_details(
    client: Client, options: Options, listed: t.Sequence[Customer], names: t.Collection[str]
) -> list[str]:
    """Adds the attributes that only further reads show, several customers at a time. Returns warnings.

    What one list of the account shows of all customers is read first, in one piece.
    """
    problems: dict[str, str] = {}
    errors: list[CollectionError] = []

    with Cancellation() as cancellation:
        api = open_api(client.for_customers([], [], cancellation.wait), options["api"])

        if listed:
            api.read_for_all(names)

        def read(customer: Customer) -> None:
            if cancellation.is_cancelled():
                return
            try:
                details = api.details(customer.username, customer.key, dict.fromkeys(names))
            except Exception as error:  # pylint: disable=broad-exception-caught
                errors.append(as_collection_error(error))
                cancellation.cancel("a customer could not be read")
                return
            customer.attributes.update(details.attributes)
            if details.problem:
                problems[customer.username] = details.problem

        with worker_threads(read, listed, options["concurrency"], cancellation) as finished:
            for _customer in as_completed(finished, len(listed)):
                cancellation.check_parent()
        if cancellation.is_cancelled():
            raise errors[0] if errors else Cancelled()
    return [
        f"Customer '{escape_hidden(name)}' is shown without details: {problem}" for name, problem in problems.items()
    ]
