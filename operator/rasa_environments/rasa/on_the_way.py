"""Responses of intermediaries in front of a server: proxies, load balancers, firewalls, login pages. Pure.

The format shows where a response comes from: Rasa, Rasa X and this project's model server report errors in JSON; nginx,
Envoy and cloud load balancers send a web page, a line of plain text, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rasa_environments.rasa.errors import (
    LoginPageError,
    RasaError,
    RefusedOnTheWayError,
    UnauthorizedError,
    UnreachableError,
)
from rasa_environments.rasa.transport import Answer

HTML = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|title|h1|center|script)\b", re.IGNORECASE)
LOGIN_FORM = re.compile(
    rb"type\s*=\s*[\"']?password|\blog[ -]?in\b|\bsign[ -_]?in\b|single sign-on|\bsso\b|oauth2?|saml|openid",
    re.IGNORECASE,
)
"""Text that login pages contain and error pages do not."""

NO_ANSWER = (
    "a proxy before it gets no answer from it; see that it runs, and that the proxy leads to the port where it listens"
)
TOO_SLOW = (
    "a proxy before it gave up before it answered; raise the proxy's time-out (nginx: proxy_read_timeout; "
    "ingress-nginx: the annotation nginx.ingress.kubernetes.io/proxy-read-timeout), or see why it is slow"
)
NONE_READY = (
    "it is not ready, or a proxy before it has no server to pass this to; see that its pods are ready and that their "
    "Service selects them, then the proxy's log"
)
ANOTHER_LOGIN = "a proxy before it asks for a login of its own; {direct}, or let the proxy pass these requests"
FIREWALL = (
    "a proxy or a web application firewall before it refuses this, not the {name} itself; {direct}, or permit it there"
)
PROXY_LOGIN = (
    "the proxy on the way asks for credentials of its own; write them into HTTPS_PROXY or HTTP_PROXY, or name the host "
    "in NO_PROXY"
)
TOO_LARGE = (
    "a proxy before it takes no request of this size; raise its limit (nginx: client_max_body_size; ingress-nginx: the "
    "annotation nginx.ingress.kubernetes.io/proxy-body-size), or go past the proxy: {direct}"
)
TOO_MANY = (
    "it, or a proxy before it, takes no more requests for now; it is asked again later: raise the limit for the "
    "operator's address, or {direct}"
)
CAPTIVE = "the network on the way asks for a login (a captive portal); log in there, or {direct}"

MEANINGS: Mapping[int, tuple[type[RasaError], str]] = {
    401: (UnauthorizedError, ANOTHER_LOGIN),
    403: (RefusedOnTheWayError, FIREWALL),
    407: (RefusedOnTheWayError, PROXY_LOGIN),
    413: (RefusedOnTheWayError, TOO_LARGE),
    502: (UnreachableError, NO_ANSWER),
    503: (UnreachableError, NONE_READY),
    504: (UnreachableError, TOO_SLOW),
    520: (UnreachableError, NO_ANSWER),
    521: (UnreachableError, NO_ANSWER),
    522: (UnreachableError, NO_ANSWER),
    523: (UnreachableError, NO_ANSWER),
    524: (UnreachableError, TOO_SLOW),
}
"""Meaning of a status that does not come from the server itself. Those from 520 on are Cloudflare's."""
ALWAYS: Mapping[int, tuple[type[RasaError], str]] = {429: (UnreachableError, TOO_MANY), 511: (LoginPageError, CAPTIVE)}
"""Meaning of a status, wherever it comes from."""


def is_html(answer: Answer) -> bool:
    """Return whether the body is a web page."""
    return "html" in answer.headers.get("content-type", "") or HTML.match(answer.body) is not None


def is_own(answer: Answer) -> bool:
    """Return whether the response has the format of a server's own."""
    return "json" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] in (b"{", b"[")


def is_login_page(answer: Answer) -> bool:
    """Return whether the body is a web page for logging in."""
    return is_html(answer) and (answer.from_login or LOGIN_FORM.search(answer.body) is not None)


def meaning(answer: Answer) -> tuple[type[RasaError], str] | None:
    """Return the meaning of an intermediary's error and a remedy; None if it is the server's own, or has none.

    The text has placeholders for the `name` of the peer and its `direct` advice. A 401 or 403 without a body may have
    any origin, so it counts as a proxy's only with a web page.
    """
    status = answer.status
    if status in ALWAYS:
        return ALWAYS[status]
    if is_own(answer) or (status in (401, 403) and not is_html(answer)):
        return None
    return MEANINGS.get(status)
