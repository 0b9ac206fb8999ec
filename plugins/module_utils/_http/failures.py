# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Makes a CallError of a call without an answer, and of an answer that means a failure in every API."""

from __future__ import annotations

import http.client
import socket
import ssl
import typing as t
from urllib.parse import urlsplit

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import MAYBE_APPLIED, NOT_APPLIED, CallError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import CERTIFICATE_VARIABLES
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import asked_wait, reset_wait
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.reading import UnboundedAnswer

try:
    import requests
    import urllib3.exceptions
except ImportError:
    pass

CHECK_URL = "Check api_url."
_CHECK_CA = f"Check ca_path, and in the environment {', '.join(CERTIFICATE_VARIABLES)}."


def refuse_by_status(status: int, headers: t.Mapping[str, str], applied_if_limited: str = NOT_APPLIED) -> None:
    """Raises CallError where the status alone says failure.

    `applied_if_limited`: whether the server may have acted on a call that it answers with HTTP 429.
    """
    if 300 <= status < 400:
        raise CallError(
            f"the server redirects the call (HTTP {status}); the collection does not follow, because the call holds "
            "secrets",
            # Many services act on a call and then redirect to its result.
            MAYBE_APPLIED,
            status=status,
            advice=CHECK_URL,
        )
    if status == 429:
        wait = asked_wait(headers)
        if wait is None:
            wait = reset_wait(headers)
        asks = "" if wait is None else f" and asks to wait {wait:.0f} s"
        raise CallError(
            f"the server says that there were too many requests (HTTP 429){asks}",
            applied_if_limited,
            transient=True,
            wait=wait,
            status=status,
            advice="Raise retries or max_retry_wait, or set requests_per_minute.",
        )


def failed_status(status: int) -> CallError:
    """The error for a status that says failure with a body that says success: nobody can tell which is wrong."""
    return CallError(f"the server answered HTTP {status}", MAYBE_APPLIED, transient=status >= 500, status=status)


def unanswered() -> tuple[type[Exception], ...]:
    """What the libraries raise for a call without a whole answer. It is a function because requests may be missing."""
    return (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        # Failures of the network, and a missing file of certificates that the environment names.
        OSError,
        # A header or a chunk size that must be a number and is not.
        ValueError,
    )


def no_answer(error: Exception, url: str, timeout: float) -> CallError:
    """A failure of the connection, described by the cause of the library's exception.

    The message leaves out the library's own texts: they hold addresses and names of classes.
    """
    if not isinstance(error, requests.exceptions.RequestException) and isinstance(error, OSError) and not error.errno:
        # requests raises this for a missing file of certificates: a plain OSError without an error number.
        return CallError("the certificates to trust could not be read", NOT_APPLIED, advice=_CHECK_CA)
    causes = list(_causes(error))
    failure = next(line for line in _failures() if any(isinstance(cause, line.kinds) for cause in causes))
    reason = failure.clause.format(server=server_of(url), timeout=f"{timeout:g}")
    return CallError(reason, failure.applied, failure.transient, advice=failure.advice)


class _Failure(t.NamedTuple):
    """Exceptions, what happened, whether the server may have acted, whether a retry may help, and what to do."""

    kinds: type | tuple[type, ...]
    clause: str
    applied: str
    transient: bool
    advice: str = ""


def _failures() -> list[_Failure]:
    """The first entry that fits counts; the last one always fits. A function, because requests may be missing."""
    library = requests.exceptions
    return [
        # First, because errors of a proxy look like errors of the server further down.
        _Failure(
            library.ProxyError, "the proxy does not let the call through to the server ({server})", NOT_APPLIED, False
        ),
        _Failure(
            (library.InvalidSchema, library.InvalidURL),
            "the address of the server or of a proxy cannot be used ({server})",
            NOT_APPLIED,
            False,
            CHECK_URL,
        ),
        _Failure(socket.gaierror, "the name of the server does not resolve ({server})", NOT_APPLIED, False, CHECK_URL),
        _Failure(ConnectionRefusedError, "nothing accepts connections there ({server})", NOT_APPLIED, False, CHECK_URL),
        _Failure(
            ssl.SSLCertVerificationError,
            "the certificate of the server is not trusted ({server})",
            NOT_APPLIED,
            False,
            "Name the certificate of its authority with ca_path.",
        ),
        _Failure(
            (ssl.SSLEOFError, ssl.SSLZeroReturnError),
            "the server ended the secure connection ({server})",
            MAYBE_APPLIED,
            True,
        ),
        _Failure(ssl.SSLError, "no secure connection could be made ({server})", MAYBE_APPLIED, False, CHECK_URL),
        _Failure(
            library.ConnectTimeout,
            "the server could not be reached within {timeout} seconds ({server})",
            NOT_APPLIED,
            True,
        ),
        _Failure(urllib3.exceptions.NewConnectionError, "the server cannot be reached ({server})", NOT_APPLIED, True),
        _Failure(
            (library.Timeout, urllib3.exceptions.TimeoutError, socket.timeout),
            "the server sent nothing for {timeout} seconds ({server})",
            MAYBE_APPLIED,
            True,
        ),
        # Before BadStatusLine, because it is a subclass of it.
        _Failure(
            http.client.RemoteDisconnected,
            "the server closed the connection without an answer ({server})",
            MAYBE_APPLIED,
            True,
        ),
        _Failure(
            (http.client.BadStatusLine, http.client.LineTooLong),
            "the server does not speak HTTP ({server})",
            MAYBE_APPLIED,
            False,
            CHECK_URL,
        ),
        _Failure(
            # ValueError: the size of a chunk is not a number.
            (UnboundedAnswer, ValueError),
            "the answer is not valid HTTP ({server})",
            MAYBE_APPLIED,
            True,
        ),
        _Failure(Exception, "the connection ended before the whole answer arrived ({server})", MAYBE_APPLIED, True),
    ]


def _causes(error: t.Any) -> t.Iterator[BaseException]:
    """`error` and every exception that it wraps, in whatever way the libraries wrap it."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in seen):
            seen.append(cause)
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
            yield cause


def server_of(url: str) -> str:
    """The scheme, the host and the port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
