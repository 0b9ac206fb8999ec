# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the customer service, API v2 and v3: real HTTP, real state, no network beyond this machine.

A rule marked [doc] comes from the published reference pages, one marked [seen] from recorded answers of the real
service. A rule marked [own] is a choice of the sandbox, because neither of them covers the case.
"""
