"""The report of an import: every value of the file, what the chart added, and what to do before the apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rasa_chart_import.findings import Outcome, Path, shown
from rasa_chart_import.importing import Imported
from rasa_chart_import.secret_values import text_of

TITLES = {
    Outcome.MAPPED: "carried over",
    Outcome.NOT_NEEDED: "not needed any more",
    Outcome.BY_HAND: "to do by hand",
}


def report(result: Imported, places: Mapping[Path, str], *, with_secrets: bool) -> str:
    """Return the text for the user; it contains no value of the file."""
    return "\n".join([*_values(result, places), *_assumed(result), *_next(result, with_secrets=with_secrets), ""])


def _values(result: Imported, places: Mapping[Path, str]) -> Iterator[str]:
    for outcome, title in TITLES.items():
        found = [finding for finding in result.findings if finding.outcome is outcome]
        if not found:
            continue
        count = f"{len(found)} value{'s' if len(found) > 1 else ''}"
        yield f"{title} ({count}):"
        for finding in found:
            yield f"  {places.get(finding.path, '')} {shown(finding.path)}: {finding.text}"
        yield ""


def _assumed(result: Imported) -> Iterator[str]:
    if result.assumed:
        yield "from the chart's own values, since the file says nothing of them:"
        for path, value in result.assumed.items():
            yield f"  {shown(path)}: {text_of(value)}"
        yield ""


def _next(result: Imported, *, with_secrets: bool) -> Iterator[str]:
    yield "before you apply:"
    yield f"  the names are those of release {result.names.release} in namespace {result.names.namespace}"
    for remark in result.remarks:
        yield f"  {remark}"
    yield from _credentials(result, with_secrets=with_secrets)
    imported = result.secrets.keys().get(result.names.imported)
    if imported and not with_secrets:
        yield f"  create Secret {result.names.imported} with the keys {', '.join(imported)} (or use --with-secrets)"
    if result.secrets.contents and with_secrets:
        yield "  the output holds Secrets in plain text: apply it, and do not commit it"


def _credentials(result: Imported, *, with_secrets: bool) -> Iterator[str]:
    """Yield how to create the Secret with the ModelServer's credentials."""
    names = result.names
    written = result.secrets.keys().get(names.credentials, []) if with_secrets else []
    missing = [key for key in ("token", "username", "password") if key not in written]
    if not missing:
        return
    if written:
        yield f"  add to Secret {names.credentials}: {', '.join(missing)} (a user who may put tags; or apiToken)"
        return
    yield f"  create Secret {names.credentials}, with a user of Rasa X who may put tags in the two files:"
    yield f"    kubectl -n {names.namespace} create secret generic {names.credentials} \\"
    yield "      --from-file=username=FILE --from-file=password=FILE \\"
    yield f"      --from-file=token=<(kubectl -n {names.namespace} get secret {names.secret} \\"
    yield "        -o go-template='{{.data.rasaXToken | base64decode}}')"
