"""Recognition of redirects to the login page of a single sign-on proxy, by host and path."""

from __future__ import annotations

import re

import httpx

LOGIN_PART = re.compile(
    r"(?:^|[/._-])(?:login|log-in|logon|signin|sign[-_]in|sso|saml2?|oauth2?|oidc|openid-connect|authorize|adfs|idp)"
    r"(?=[/._-]|$)"
)
"""A segment of a path or host, as in oauth2-proxy (/oauth2/sign_in), Keycloak (/protocol/openid-connect/auth),
Microsoft (login.microsoftonline.com), AD FS (/adfs/ls), Google (/signin) and SAML (/saml2/sso)."""


def leads_to_login(url: httpx.URL) -> bool:
    """Return whether the URL looks like that of a login page."""
    return any(LOGIN_PART.search(part) for part in (url.host.lower(), url.path.lower()))
