"""Addresses that lead to the login of a proxy with single sign-on, told by their path and host."""

from __future__ import annotations

import re

import httpx

LOGIN_PART = re.compile(
    r"(?:^|[/._-])(?:login|log-in|logon|signin|sign[-_]in|sso|saml2?|oauth2?|oidc|openid-connect|authorize|adfs|idp)"
    r"(?=[/._-]|$)"
)
"""A part of a path or host, as in oauth2-proxy (/oauth2/sign_in), Keycloak (/protocol/openid-connect/auth), Microsoft
(login.microsoftonline.com), AD FS (/adfs/ls), Google (/signin) and SAML (/saml2/sso)."""


def leads_to_login(url: httpx.URL) -> bool:
    """Whether the address looks like that of a login page."""
    return any(LOGIN_PART.search(part) for part in (url.host.lower(), url.path.lower()))
