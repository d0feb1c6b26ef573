"""`/` in a browser: what this server is, and its API."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .2em 1.5em .2em 0; border-bottom: 1px solid #ccc; vertical-align: top; }
"""
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # A browser would send the address, with a token in its query, to where a link leads.
    "Referrer-Policy": "no-referrer",
}

# Links are relative: behind a proxy, as that of the Kubernetes API server, this server is below another path.
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<p>This server keeps trained Rasa models and their tags. Rasa servers pull the model that has their tag; people and
pipelines upload models, and promote one by moving a tag. There is nothing to click here: use <code>kubectl rasa</code>,
or the API below.</p>
<p>All but health, version and this page takes a token. The whole description of the API, for people and tools, is
<a href="openapi.json">openapi.json</a>.</p>
<table>
<tr><th>Method</th><th>Path</th><th></th></tr>
{operations}
</table>
</body>
</html>
"""


def front_page_router() -> APIRouter:
    """Return the route of the page. It takes no credentials, and tells nothing of what is stored."""
    router = APIRouter()

    @router.head("/", include_in_schema=False)
    @router.get(
        "/",
        operation_id="frontPage",
        summary="This server and its API, in a browser",
        response_class=HTMLResponse,
        response_description="The page.",
    )
    async def front_page(request: Request) -> HTMLResponse:
        """Explain what this server is. The page is the same whatever is stored, and loads nothing from elsewhere."""
        return HTMLResponse(page_of(request.app.openapi()), headers=HEADERS)

    return router


def page_of(document: Mapping[str, Any]) -> str:
    """Return the page of a server with this OpenAPI document."""
    operations = "\n".join(
        f"<tr><td>{method.upper()}</td><td><code>{escape(path)}</code></td><td>{escape(operation['summary'])}</td></tr>"
        for path, item in document["paths"].items()
        for method, operation in item.items()
    )
    return _PAGE.format(title=escape(document["info"]["title"]), style=_STYLE, operations=operations)
