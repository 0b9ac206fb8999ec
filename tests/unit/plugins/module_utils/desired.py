# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks for and what is known of a customer, in the terms of the modules' options, and plans with API v2."""

from __future__ import annotations

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import SECRETS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    further_reads,
    make_plan,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    is_done as is_done_in,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import capabilities

API = capabilities("reseller")
# Values for a creation that cannot be any text, or that are stored as another text.
_VALUES = {
    "username": "eve@example.com",
    "password": "eve-password",
    "email": "eve@example.com",
    "country": "US",
    "website": "http://eve.example",
}


def complete(family="reseller", **attributes):
    """All that a creation needs, as the given attributes say where they do."""
    needed = [name for name, capability in capabilities(family).attributes.items() if capability.needed]
    return {**{name: _VALUES.get(name, f"new {name}") for name in needed}, **attributes}


def asked_for(
    username,
    attributes=None,
    state="present",
    new_username=None,
    password=None,
    update_password="on_create",
    update_website_access="always",
    updates_company_alone=True,
):
    """As `desired_of` makes it of the options of a module."""
    secret = {} if password is None else {"password": password}
    return Desired(
        username,
        {**secret, **(attributes or {})},
        state,
        new_username,
        secrets=SECRETS,
        on_create=frozenset(["password"] if update_password == "on_create" else []),
        unless_hidden=frozenset(["website_access"] if update_website_access == "on_create" else []),
        along=frozenset([] if updates_company_alone else ["company"]),
    )


def known(current=None, password_matches=None, company_matches=None, shows_website_access=False):
    """The result of `ask`: attributes that could not be compared have no key."""
    matches = {"password": password_matches, "company": company_matches}
    return Observed(
        current,
        {name: verdict for name, verdict in matches.items() if verdict is not None},
        frozenset(["website_access"] if shows_website_access else []),
    )


def plan(desired, observed):
    """The plan with the family of addresses that has the given attributes."""
    return make_plan(desired, observed, capabilities("customer") if "mail_domain" in desired.attributes else API)


def is_done(operation, current):
    return is_done_in(operation, current, API)


def asked_about(name, desired, current):
    """The value that a further read is asked about; None where no read is needed. Nothing finds an empty one."""
    return (desired.attributes[name] or None) if name in further_reads(desired, current, API) else None


def to_search_company(desired, current):
    return asked_about("company", desired, current)


def to_check_password(desired, current):
    return asked_about("password", desired, current)
