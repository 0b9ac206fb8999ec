# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of a customer: wire names, limits in characters, and the calls that can set them. Data only."""

from __future__ import annotations

# [doc] The fields that `task=set` can change, with their maximum lengths.
PROFILE_LIMITS: dict[str, int] = {
    "first_name": 50,
    "last_name": 50,
    "address": 100,
    "city": 100,
    "state": 100,
    "zip": 50,
    "country": 100,
    "phone": 50,
    "website": 255,
    "company": 255,
}

# [doc] The fields that a creation accepts in both families.
CREATE_LIMITS: dict[str, int] = {"username": 64, "email": 64, **PROFILE_LIMITS}

# [doc] The fields that only one family accepts on creation. CREATE_REQUIRED names the fields that a creation needs.
RESELLER_LIMITS: dict[str, int] = {"package": 255, "whitelabel": 255}
CUSTOMER_LIMITS: dict[str, int] = {"mail_domain": 255}
RESELLER_ONLY = ("package", "whitelabel", "ip_group[]", "ip[]", "free_user", "billing_date")
CUSTOMER_ONLY = ("mail_domain",)

IP_GROUP_LIMIT = 255
PASSWORD_MINIMUM = 6
RENAME_LIMIT = 100
SET_EMAIL_LIMIT = 100

_REQUIRED_BY_ALL = ("username", "password", "confirm_password", "email", *PROFILE_LIMITS)
CREATE_REQUIRED: dict[str, tuple[str, ...]] = {
    "reseller": (*_REQUIRED_BY_ALL, "package", "whitelabel"),
    "customer": _REQUIRED_BY_ALL,
}

# [doc] Search filters of the list. `company` is a filter, although no row shows it.
FILTERS = (
    "username",
    "email",
    "active",
    "first_name",
    "last_name",
    "address",
    "city",
    "state",
    "country",
    "zip",
    "phone",
    "website",
    "company",
)

# [doc] The fields of a row, in the order of the reference page.
DOCUMENTED_ROW = (
    "username",
    "email",
    "active",
    "first_name",
    "last_name",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "phone",
    "website",
)

# [seen] Rows of the real service also had these two fields.
OBSERVED_ROW = (*DOCUMENTED_ROW, "website_access", "address2")

# All parameters that an operation reads as text. Others are ignored.
KNOWN_PARAMETERS = frozenset(
    ("user", "username", "password", "confirm_password", "email", *PROFILE_LIMITS)
    + ("active", *RESELLER_ONLY, *CUSTOMER_ONLY)
)

_LABELS = {"ip[]": "IP", "ip_group[]": "IP group"}


def label(name: str) -> str:
    """`first_name` -> `First name`. The recorded `Username is required` begins in the same way [seen]."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())
