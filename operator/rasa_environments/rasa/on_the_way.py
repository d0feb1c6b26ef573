"""Responses of intermediaries in front of a server: proxies, load balancers, firewalls, login pages. Pure.

The format shows where a response comes from: Rasa, Rasa X and this project's model server report errors in JSON; nginx,
Envoy and cloud load balancers send a web page, a line of plain text, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from rasa_environments.rasa.errors import (
    AnotherLoginError,
    CaptivePortalError,
    NoReadyUpstreamError,
    NoUpstreamAnswerError,
    ProxyCredentialsError,
    RasaError,
    RefusedOnTheWayError,
    RequestTooLargeError,
    TooManyRequestsError,
    UpstreamTimeoutError,
)
from rasa_environments.rasa.transport import Answer

HTML = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|title|h1|center|script)\b", re.IGNORECASE)
LOGIN_FORM = re.compile(
    rb"type\s*=\s*[\"']?password|\blog[ -]?in\b|\bsign[ -_]?in\b|single sign-on|\bsso\b|oauth2?|saml|openid",
    re.IGNORECASE,
)
"""Text that login pages contain and error pages do not."""

Meaning: TypeAlias = tuple[type[RasaError], str]
"""The class of an error, and the problem."""

NO_ANSWER: Meaning = (NoUpstreamAnswerError, "a proxy before it gets no answer from it")
NONE_READY: Meaning = (NoReadyUpstreamError, "it is not ready, or a proxy before it has no server to pass this to")
TOO_SLOW: Meaning = (UpstreamTimeoutError, "a proxy before it gave up before it answered")

MEANINGS: Mapping[int, Meaning] = {
    401: (AnotherLoginError, "a proxy before it asks for a login of its own"),
    403: (RefusedOnTheWayError, "a proxy or a web application firewall before it refuses this, not the server itself"),
    407: (ProxyCredentialsError, "the proxy on the way asks for credentials of its own"),
    413: (RequestTooLargeError, "a proxy before it takes no request of this size"),
    502: NO_ANSWER,
    503: NONE_READY,
    504: TOO_SLOW,
    520: NO_ANSWER,
    521: NO_ANSWER,
    522: NO_ANSWER,
    523: NO_ANSWER,
    524: TOO_SLOW,
}
"""Meaning of a status that does not come from the server itself. Those from 520 on are Cloudflare's."""
ALWAYS: Mapping[int, Meaning] = {
    429: (TooManyRequestsError, "it, or a proxy before it, takes no more requests for now"),
    511: (CaptivePortalError, "the network on the way asks for a login (a captive portal)"),
}
"""Meaning of a status, wherever it comes from."""


def is_html(answer: Answer) -> bool:
    """Return whether the body is a web page."""
    return "html" in answer.headers.get("content-type", "") or HTML.match(answer.body) is not None


def is_own(answer: Answer) -> bool:
    """Return whether the response has the format of a server's own."""
    return "json" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] in (b"{", b"[")


def is_of_api_server(answer: Answer) -> bool:
    """Return whether the body is a Kubernetes API server's own (a `Status` of apimachinery, meta/v1)."""
    return answer.body.startswith(b'{"kind":"Status","apiVersion":"v1"')


def is_login_page(answer: Answer) -> bool:
    """Return whether the body is a web page for logging in."""
    return is_html(answer) and (answer.from_login or LOGIN_FORM.search(answer.body) is not None)


def meaning(answer: Answer) -> Meaning | None:
    """Return the meaning of an intermediary's error; None if it is the server's own, or has none.

    A 401 or 403 without a body may have any origin, so it counts as a proxy's only with a web page.
    """
    status = answer.status
    if status in ALWAYS:
        return ALWAYS[status]
    if is_own(answer) or (status in (401, 403) and not is_html(answer)):
        return None
    return MEANINGS.get(status)
