# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Checks the options of a task and opens a client, before any call. Every task uses this. No Ansible."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    base_address,
    combination_problems,
    connection_problems,
    option_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import escape_hidden
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.option_names import option_names
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import MOST_AT_ONCE, Client, Connection

Options = t.Mapping[str, t.Any]
Result = dict[str, t.Any]
# Makes a client from a connection, the secrets and the names of the customers that the client is about.
Connect = t.Callable[[Connection, t.Iterable[t.Optional[str]], t.Iterable[t.Optional[str]]], t.ContextManager[Client]]

_CONNECTION = tuple(field.name for field in dataclasses.fields(Connection))


def check_options(options: Options, api: Capabilities, problems: list[str]) -> None:
    """Raises InvalidInput with all problems of the options."""
    problems = [*connection_problems(options, api), *problems]
    if problems:
        raise InvalidInput(problems, about=_about(options))


def _about(options: Options) -> str:
    user = options.get("username")
    return are_not_valid(user) if user else "The options are not valid"


def are_not_valid(user: str) -> str:
    """The first part of a message about the options of a customer."""
    return f"The options for customer '{escape_hidden(user)}' are not valid"


def customer_problems(options: Options, api: Capabilities) -> list[str]:
    """The problems of the options of one customer, whether it exists or not."""
    return option_problems(options, api) + combination_problems(options)


def concurrency_problems(options: Options) -> list[str]:
    """A problem if the number of calls at the same time is out of range."""
    if 1 <= options["concurrency"] <= MOST_AT_ONCE:
        return []
    return [f"{option_names(options)['concurrency']} must be from 1 to {MOST_AT_ONCE}"]


def addresses(options: Options, api: Capabilities) -> dict[str, t.Any]:
    """The addresses of the servers, with the API's own address in place of a missing one.

    The API's own address for the EU applies only together with its own address for the rest of the world. Nobody knows
    which address for the EU belongs to another `api_url`.
    """
    rules = api.connection
    url, eu_url = options.get("api_url"), options.get("eu_api_url")
    url = rules.default_url if url is None else url
    if eu_url is None and base_address(url) == rules.default_url:
        eu_url = rules.default_eu_url
    return {"api_url": url, "eu_api_url": eu_url}


def open_client(options: Options, connect: Connect) -> t.ContextManager[Client]:
    """A client with the given connection options."""
    given: dict[str, t.Any] = {name: options[name] for name in _CONNECTION if name in options}
    urls = {name: base_address(given[name]) for name in ("api_url", "eu_api_url") if given.get(name) is not None}
    connection = Connection(**{**given, **urls})
    return connect(connection, [options.get("password")], [options.get("username"), options.get("new_username")])
