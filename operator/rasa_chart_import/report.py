"""The report of an import: every value of the file, what the chart added, and what to do before the apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rasa_chart_import.findings import INCOMPLETE, Outcome, Path, shown
from rasa_chart_import.secret_values import text_of
from rasa_chart_import.sources import Imported

TITLES = {
    Outcome.MAPPED: "carried over",
    Outcome.REFERRED: "in a Secret that the output refers to",
    Outcome.NOT_NEEDED: "not needed any more",
    Outcome.PARTLY: "carried over in part",
    Outcome.BY_HAND: "to do by hand",
}


def report(result: Imported, places: Mapping[Path, str], *, with_secrets: bool) -> str:
    """Return the text for the user; it contains no value of the file."""
    return "\n".join(
        [*_summary(result), *_values(result, places), *_assumed(result), *_next(result, with_secrets=with_secrets), ""]
    )


def is_complete(result: Imported) -> bool:
    """Return whether nothing of the file is left to do."""
    return all(finding.outcome not in INCOMPLETE for finding in result.findings)


def _summary(result: Imported) -> Iterator[str]:
    left = sum(finding.outcome in INCOMPLETE for finding in result.findings)
    if left:
        yield f"partial: {left} of {counted(len(result.findings))} not carried over, or only in part (see below)"
    else:
        yield f"complete: nothing is left to do by hand for {counted(len(result.findings))}"
    yield ""


def counted(number: int) -> str:
    """Return a number of values in words."""
    return f"{number} value{'' if number == 1 else 's'}"


def place_of(path: Path, places: Mapping[Path, str]) -> str:
    """Return the line of a value, or of what contains it."""
    return next((places[path[:length]] for length in range(len(path), 0, -1) if path[:length] in places), "")


def _values(result: Imported, places: Mapping[Path, str]) -> Iterator[str]:
    for outcome, title in TITLES.items():
        found = [finding for finding in result.findings if finding.outcome is outcome]
        if not found:
            continue
        yield f"{title} ({counted(len(found))}):"
        for finding in found:
            yield f"  {place_of(finding.path, places)} {shown(finding.path)}: {finding.text}"
        yield ""


def _assumed(result: Imported) -> Iterator[str]:
    if result.assumed:
        yield "defaults that count, since the file says nothing of them:"
        for path, value in result.assumed.items():
            yield f"  {shown(path)}: {text_of(value)}"
        yield ""


def _next(result: Imported, *, with_secrets: bool) -> Iterator[str]:
    yield "before you apply:"
    yield f"  the names are those of release {result.made.names.release} in namespace {result.made.names.namespace}"
    for remark in result.remarks:
        yield f"  {remark}"
    yield from _credentials(result, with_secrets=with_secrets)
    imported = result.secrets.keys().get(result.made.names.imported)
    if imported and not with_secrets:
        keys = ", ".join(imported)
        yield f"  create Secret {result.made.names.imported} with the keys {keys} (or use --with-secrets)"
    for name, wanted in result.secrets.wanted.items():
        yield f"  put into Secret {name} what the file has as a variable: {', '.join(wanted)}"
    if result.secrets.contents and with_secrets:
        yield "  the output holds Secrets in plain text: apply it, and do not commit it"


def _credentials(result: Imported, *, with_secrets: bool) -> Iterator[str]:
    """Yield how to create the Secret with the ModelServer's credentials."""
    names = result.made.names
    written = result.secrets.keys().get(names.credentials, []) if with_secrets else []
    missing = [key for key in result.made.credentials if key not in written]
    if not missing:
        return
    if written:
        yield f"  add to Secret {names.credentials}: {', '.join(missing)} (a user who may put tags; or apiToken)"
        return
    if "username" in missing:
        yield f"  create Secret {names.credentials}, with a user of Rasa X who may put tags in the two files:"
    else:
        yield f"  create Secret {names.credentials}, with the token to pull models with:"
    yield f"    kubectl -n {names.namespace} create secret generic {names.credentials} \\"
    if "username" in missing:
        yield "      --from-file=username=FILE --from-file=password=FILE \\"
    if names.pull_token_key is None:
        yield "      --from-file=token=FILE"
        return
    yield f"      --from-file=token=<(kubectl -n {names.namespace} get secret {names.secret} \\"
    yield f"        -o go-template='{{{{index .data \"{names.pull_token_key}\" | base64decode}}}}')"
