"""The values `operator.settings`: one for each setting of the operator that a user of the chart may choose."""

from typing import Any, Final

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from rasa_environments.runtime import settings
from release.chart.base import Values
from release.settings import default_in_words

SET_BY_TEMPLATES: Final = frozenset(
    {"namespaces", "leader_elect", "operator_namespace", "operator_selector", "address", "port"}
)
"""Settings that follow from other values, or that a pod always has."""
OUTSIDE_CHART: Final = frozenset({"credentials", "lease_namespace", "accept_unchecked"})
"""Settings for other clusters than the pod's own, for other permissions than the chart's, and for simulated pods."""
DEFAULTS: Final = {"log_format": "json"}
"""Where the chart chooses otherwise than the operator."""


def _values() -> dict[str, Any]:
    """Return type and field of each value, as pydantic creates a model from them."""
    return {
        name: (field.rebuild_annotation() | None, Field(default=DEFAULTS.get(name), description=_description(field)))
        for name, field in settings.Settings.model_fields.items()
        if name not in SET_BY_TEMPLATES | OUTSIDE_CHART
    }


def _description(field: FieldInfo) -> str:
    """Return the description of a setting, with the operator's own default."""
    return f"{field.description} If null, {default_in_words(field)}."


_Values = create_model("_Values", __base__=Values, **_values())


class Settings(_Values):
    """Settings of the operator; null uses the operator's default."""
