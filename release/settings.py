"""The operator's settings in words, as the chart's values and the reference show them."""

from collections.abc import Iterator

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from rasa_environments.api.durations import DURATION_PATTERN, format_duration
from rasa_environments.cli.setting_options import CREDENTIALS, flags, variable
from rasa_environments.runtime.settings import Settings, unset_meaning


def default_in_words(field: FieldInfo) -> str:
    """Return the default of a setting: `16`, `json`, `false`, or what no value means."""
    meaning = unset_meaning(field)
    if meaning:
        return meaning
    match field.default:
        case bool() as switch:
            return str(switch).lower()
        case float() as number:
            return format_duration(number)
        case other:
            return str(other)


def settings_table() -> str:
    """Return a Markdown table of the options of `run`, but those that select the cluster."""
    lines = ["| option | variable | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name != CREDENTIALS:
            options = ", ".join(f"`{flag}`" for flag in flags(name))
            meaning = " ".join([*(field.description or "").split(), *_bounds(field)])
            yield f"| {options} | `{variable(name)}` | {default_in_words(field)} | {meaning} |"


def _bounds(field: FieldInfo) -> Iterator[str]:
    """Yield the values that a setting may have, as a sentence."""
    schema = TypeAdapter(field.rebuild_annotation()).json_schema()
    if "enum" in schema:
        yield f"One of {', '.join(f'`{value}`' for value in schema['enum'])}."
    elif schema.get("pattern") == DURATION_PATTERN:
        yield "A time such as `90s` or `1h30m`, more than 0 and at most 24h."
    elif "minimum" in schema:
        yield f"From {schema['minimum']} to {schema['maximum']}."
