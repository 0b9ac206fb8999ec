# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""One HTTP session to the API: POST with a form body only, bounded in time, size and tries.

Each call is a POST, so neither the verb nor the status tells whether it may be repeated: the caller says so. Secrets
travel in the body alone, never in an address.
"""

from __future__ import annotations

import dataclasses
import http.client
import http.cookiejar
import socket
import ssl
import time
import typing as t
from urllib.parse import urlsplit

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    NOT_DONE,
    UNKNOWN,
    CallError,
    Stopped,
    WireError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.deadline import (
    AlarmClock,
    BoundedAdapter,
    Deadline,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    CERTIFICATE_VARIABLES,
    certificates,
    proxies,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import (
    Pace,
    Patience,
    Sleep,
    asked_wait,
    reset_wait,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.reading import Room, UnboundedAnswer, read_body
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import (
    IS_ESCAPED_TOO_OFTEN,
    REPEATS_A_SECRET,
    Redactor,
    shown,
)

try:
    import requests
    import urllib3.exceptions

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

VERSION = "0.1.0"
# A list holds the whole fleet: a customer with all fields takes 400 to 600 bytes, by the format and its blanks, so this
# is room for 100,000. MOST_AT_ONCE answers may hold 64 KiB each beside it, see `_reading`.
LARGEST_ANSWER = 60 * 1024 * 1024
LARGEST_CONFIRMATION = 1024 * 1024
MOST_AT_ONCE = 64
_MOST_MESSAGES = 20
_CHECK_URL = "Check api_url."
_CHECK_CA = f"Check ca_path, and in the environment {', '.join(CERTIFICATE_VARIABLES)}."

Value = t.TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where and how to call; times in seconds. `ca_path`: a file or folder with certificates, None for the usual."""

    api_url: str
    api_user: str
    api_key: str = dataclasses.field(repr=False)
    api_format: str = "json"
    timeout: float = 30.0
    retries: int = 4
    max_retry_wait: float = 120.0
    requests_per_minute: int = 0
    validate_certs: bool = True
    ca_path: str | None = None


class Line:
    """What calls with the same connection options share: kept connections, and the pace. It holds no secret.

    It serves up to MOST_AT_ONCE threads.
    """

    def __init__(self, connection: Connection) -> None:
        self.pace = Pace(connection.requests_per_minute)
        self.http = _http_session(connection)
        self.clock = AlarmClock()

    def close(self) -> None:
        """Closes the kept connections."""
        self.clock.close()
        self.http.close()


class Session:
    """Calls to one server with one account. Use as a context manager, or call `close`.

    `secrets` and `names`: those of the customers that it is about, beside the account's. `line`: one to use and to
    leave open; else the session has one of its own. `sleep`: waits, and tells whether no further call is wanted.
    """

    def __init__(
        self,
        connection: Connection,
        secrets: t.Iterable[str | None] = (),
        names: t.Iterable[str | None] = (),
        line: Line | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.connection = connection
        self.redact = Redactor([connection.api_key, *secrets], [connection.api_user, *names])
        self._sleep = sleep
        self._line = line or Line(connection)
        self._closes = line is None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: t.Any) -> None:
        self.close()

    def close(self) -> None:
        """Closes the session's own line."""
        if self._closes:
            self._line.close()

    def about(self, secrets: t.Iterable[str | None], names: t.Iterable[str | None], sleep: Sleep) -> Session:
        """A session over the same line, about other customers."""
        return Session(self.connection, secrets, names, self._line, sleep)

    def patience(self) -> Patience:
        """A new allowance of tries and waiting."""
        connection = self.connection
        return Patience(connection.retries, connection.max_retry_wait, connection.timeout, self._sleep)

    def call(
        self,
        address: str,
        parameters: t.Sequence[tuple[str, str]],
        decode: t.Callable[[str, bytes], Value],
        repeatable: bool,
        patience: Patience | None = None,
        largest: int = LARGEST_CONFIRMATION,
    ) -> Value:
        """What `decode(format, body)` makes of the answer to `module.action` with `parameters`.

        `repeatable`: whether the same call may be made again after an answer that was lost; a call that the server
        certainly did not act on is repeated in any case. `patience`: what is left of an allowance, where the call is
        one of several tries of the caller. `largest`: bytes that the answer may have. Raises CallError.
        """
        patience = patience or self.patience()
        lost: CallError | None = None
        while True:
            if not self._line.pace.take_turn(patience):
                # What came of a try that was made is more than that there was no further one.
                raise lost or Stopped()
            started = time.monotonic()
            try:
                return self._once(address, parameters, decode, patience.longest_try, largest)
            except CallError as error:
                patience.count_try(time.monotonic() - started)
                may_repeat = error.transient and (repeatable or error.fate == NOT_DONE)
                pause = patience.grant(error.wait) if may_repeat else None
                if pause is None:
                    raise
                if 429 in (error.status, error.code):
                    # It is meant for all calls of the account.
                    self._line.pace.close(pause)
                if not patience.hold(pause):
                    raise
                lost = error

    def _once(
        self,
        address: str,
        parameters: t.Sequence[tuple[str, str]],
        decode: t.Callable[[str, bytes], Value],
        seconds: float,
        largest: int,
    ) -> Value:
        """One try, which takes `seconds` at most once the connection stands."""
        # A large answer keeps its room until values have come of it.
        with Room() as room:
            with Deadline(seconds, self._line.clock) as deadline:
                try:
                    status, headers, body = self._post(
                        address, parameters, lambda response: read_body(response, largest, room, lambda: deadline.left)
                    )
                except CallError:
                    if not deadline.passed:
                        raise
            if deadline.passed:
                raise CallError("the answer took too long to arrive", UNKNOWN, transient=True)
            self._line.pace.heed(headers)
            _refuse_by_status(status, headers)
            try:
                value = decode(self.connection.api_format, body)
            except WireError as error:
                failure = self._failure(error, status)
            else:
                if 200 <= status < 300:
                    return value
                failure = _failed_status(status)
        failure.wait = asked_wait(headers)
        raise failure

    def _post(
        self, address: str, parameters: t.Sequence[tuple[str, str]], read: t.Callable[[t.Any], bytes]
    ) -> tuple[int, t.Mapping[str, str], bytes]:
        """One POST -> status, headers, and the body that `read` makes of the response.

        Raises CallError when there is no whole answer.
        """
        connection = self.connection
        credentials = [("api_user", connection.api_user), ("api_key", connection.api_key)]
        # Encoded here, since requests leaves other types of bodies and their charset to itself.
        data = [(name, value.encode("utf-8")) for name, value in [*credentials, *parameters]]
        try:
            with self._line.http.post(
                f"{connection.api_url}/{address}.{connection.api_format}",
                data=data,
                timeout=(connection.timeout, connection.timeout),
                verify=_verify(connection),
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, response.headers, read(response)
        except _unanswered() as error:
            raise _no_answer(error, connection) from None

    def _failure(self, error: WireError, status: int) -> CallError:
        """A decoded error, or an answer that cannot be decoded, as a CallError."""
        if not error.readable:
            return _unreadable_answer(self.redact(str(error)), error.html, status)
        code = status if error.code is None else error.code
        # A server must not fill the screen, nor keep the processor busy: the rest is only counted.
        messages = [self.redact(message) for message in error.messages[:_MOST_MESSAGES]]
        later = status >= 500 or 500 <= code < 600
        return CallError(
            f"the server said {_said(messages, len(error.messages) + error.left_out)} ({_numbers(error.code, status)})",
            UNKNOWN if later else NOT_DONE,
            transient=later or code == 429,
            messages=messages,
            code=error.code,
            status=status,
            shape=error.shape,
            # By what the server said, not by what is left of it to be told.
            advice=_advice({code, status}, error.messages),
        )


def _said(messages: t.Sequence[str], count: int) -> str:
    """The first messages of `count` for a sentence."""
    quoted = [_quoted(message) for message in messages]
    if count > len(messages):
        quoted.append(f"and {count - len(messages)} more messages")
    return "; ".join(quoted) or "an error without a message"


def _quoted(message: str) -> str:
    """What a server said, in quotes; the words in place of that are none of its own."""
    return message if message in (REPEATS_A_SECRET, IS_ESCAPED_TOO_OFTEN) else f"'{shown(message)}'"


def _http_session(connection: Connection) -> t.Any:
    session: t.Any = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundedAdapter(pool_connections=1, pool_maxsize=MOST_AT_ONCE))
    session.headers["User-Agent"] = f"mailfleet.sendgrid/{VERSION}"
    # One way of packing, which all versions of the library unpack in bounded pieces.
    session.headers["Accept-Encoding"] = "gzip"
    session.headers["Accept"] = f"application/{connection.api_format}"
    # It would take credentials of a .netrc file, which are for other services, and ask the system for proxies.
    session.trust_env = False
    session.proxies.update(proxies(connection.api_url))
    # It would prepare the call to the other place, and for that read the whole answer, whatever its size.
    session.get_redirect_target = _no_redirect
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    if not connection.validate_certs:
        # Said with every call otherwise, to somebody who asked for it.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


def _no_redirect(_response: t.Any) -> None:
    return None


def _verify(connection: Connection) -> bool | str:
    if not connection.validate_certs:
        return False
    return certificates(connection.ca_path) or True


def _refuse_by_status(status: int, headers: t.Mapping[str, str]) -> None:
    """Raises CallError for what the status alone decides."""
    if 300 <= status < 400:
        raise CallError(
            f"the server redirects elsewhere (HTTP {status}), which is not followed because the call holds secrets",
            # Many services act on a POST and then redirect to what came of it.
            UNKNOWN,
            status=status,
            advice=_CHECK_URL,
        )
    if status == 429:
        wait = asked_wait(headers)
        if wait is None:
            wait = reset_wait(headers)
        asks = "" if wait is None else f" and asks to wait {wait:.0f} s"
        raise CallError(
            f"the server says that there were too many requests (HTTP 429){asks}",
            NOT_DONE,
            transient=True,
            wait=wait,
            status=status,
            advice="Raise retries or max_retry_wait, or set requests_per_minute.",
        )


def _failed_status(status: int) -> CallError:
    """A status that says failure over a body that says success: one of them is wrong, so nobody can tell."""
    return CallError(f"the server answered HTTP {status}", UNKNOWN, transient=status >= 500, status=status)


def _unreadable_answer(reason: str, html: bool, status: int) -> CallError:
    """An answer that is not of the API: one of a gateway on the way, of another service, or one cut short."""
    # Errors of the API's own have status 400, if any [doc]; others, and web pages, come from another service, which
    # will be there the next time, too. A failure of a gateway may pass.
    elsewhere = 400 < status < 500 or (html and status < 500)
    return CallError(
        f"{reason} (HTTP {status})",
        NOT_DONE if elsewhere and status >= 400 else UNKNOWN,
        transient=not elsewhere,
        status=status,
        advice="" if status >= 500 else "Check that api_url is the address of the v2 API.",
    )


def _numbers(code: int | None, status: int) -> str:
    return f"HTTP {status}" if code in (None, status) else f"error {code}, HTTP {status}"


def _advice(numbers: set[int], messages: t.Sequence[str]) -> str:
    said = " ".join(messages).lower()
    if "not authorized" in said:
        return "The account may lack a reseller contract: see the option api."
    if numbers & {401, 403}:
        return "Check api_user and api_key."
    return ""


def _unanswered() -> tuple[type[Exception], ...]:
    """What the libraries raise for a call without a whole answer. A function, since requests may be missing."""
    return (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        # A file of certificates that the environment names and that is not there, beside failures of the network.
        OSError,
        # What is no number where one has to be.
        ValueError,
    )


def _no_answer(error: Exception, connection: Connection) -> CallError:
    """A failure of the connection, told by what lies under the library's exceptions.

    Their own texts are not shown: they hold addresses and names of classes.
    """
    if not isinstance(error, requests.exceptions.RequestException) and isinstance(error, OSError) and not error.errno:
        # How requests says that a file of certificates is not there: an error of no system call, and none of its own.
        return CallError("the certificates to trust could not be read", NOT_DONE, advice=_CHECK_CA)
    causes = list(_causes(error))
    failure = next(line for line in _failures() if any(isinstance(cause, line.kinds) for cause in causes))
    reason = failure.clause.format(server=_server(connection), timeout=f"{connection.timeout:g}")
    return CallError(reason, failure.fate, failure.transient, advice=failure.advice)


class _Failure(t.NamedTuple):
    """Kinds of exceptions, what happened, whether the server may have acted, whether it may pass, and what to do."""

    kinds: type | tuple[type, ...]
    clause: str
    fate: str
    transient: bool
    advice: str = ""


def _failures() -> list[_Failure]:
    """The first line that fits counts, and the last one always does. A function, since requests may be missing."""
    library = requests.exceptions
    return [
        # A proxy's troubles look like the server's further down.
        _Failure(
            library.ProxyError, "the proxy does not let the call through to the server ({server})", NOT_DONE, False
        ),
        _Failure(
            (library.InvalidSchema, library.InvalidURL),
            "the address of the server or of a proxy cannot be used ({server})",
            NOT_DONE,
            False,
            _CHECK_URL,
        ),
        _Failure(socket.gaierror, "the name of the server does not resolve ({server})", NOT_DONE, False, _CHECK_URL),
        _Failure(ConnectionRefusedError, "nothing accepts connections there ({server})", NOT_DONE, False, _CHECK_URL),
        _Failure(
            ssl.SSLCertVerificationError,
            "the certificate of the server is not trusted ({server})",
            NOT_DONE,
            False,
            "Name the certificate of its authority with ca_path.",
        ),
        _Failure(
            (ssl.SSLEOFError, ssl.SSLZeroReturnError),
            "the server ended the secure connection ({server})",
            UNKNOWN,
            True,
        ),
        _Failure(ssl.SSLError, "no secure connection could be made ({server})", UNKNOWN, False, _CHECK_URL),
        _Failure(
            library.ConnectTimeout,
            "the server could not be reached within {timeout} seconds ({server})",
            NOT_DONE,
            True,
        ),
        _Failure(urllib3.exceptions.NewConnectionError, "the server cannot be reached ({server})", NOT_DONE, True),
        _Failure(
            (library.Timeout, urllib3.exceptions.TimeoutError, socket.timeout),
            "the server sent nothing for {timeout} seconds ({server})",
            UNKNOWN,
            True,
        ),
        # It is a kind of BadStatusLine, too, so it stands before it.
        _Failure(
            http.client.RemoteDisconnected,
            "the server closed the connection without an answer ({server})",
            UNKNOWN,
            True,
        ),
        _Failure(
            (http.client.BadStatusLine, http.client.LineTooLong),
            "the server does not speak HTTP ({server})",
            UNKNOWN,
            False,
            _CHECK_URL,
        ),
        _Failure(
            # ValueError: the size of a chunk is no number.
            (UnboundedAnswer, ValueError),
            "the answer is not valid HTTP ({server})",
            UNKNOWN,
            True,
        ),
        _Failure(Exception, "the connection ended before the whole answer was there ({server})", UNKNOWN, True),
    ]


def _causes(error: t.Any) -> t.Iterator[BaseException]:
    """`error` and every exception below it, however the libraries wrapped it."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in seen):
            seen.append(cause)
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
            yield cause


def _server(connection: Connection) -> str:
    parts = urlsplit(connection.api_url)
    return f"{parts.scheme}://{parts.netloc}"
