"""Images: a version where the vendor's image of that version fits, else the image itself."""

from __future__ import annotations

from collections.abc import Mapping

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_environments.api.base import JsonObject

VENDOR_IMAGES = frozenset({"rasa/rasa", "docker.io/rasa/rasa"})
FULL = "-full"


def image(reader: Reader, places: Mapping[str, Path]) -> JsonObject:
    """Return `version` or `image`, from `tag` and `repository`, or `registry` and `name`."""
    tag = reader.take(places["tag"], kinds.TEXT)
    repository = reader.take(places["repository"], kinds.TEXT)
    if repository is not None:
        for key in ("registry", "name"):
            if key in places:
                reader.unused(places[key], "image.repository names the image")
    elif "registry" in places:
        registry, name = reader.take(places["registry"], kinds.TEXT), reader.take(places["name"], kinds.TEXT)
        repository = f"{registry}/{name}" if registry and name else name
    if tag is None or repository is None:
        reader.remarks.append("the image is not known: set spec.rasa.version to what the pods run now")
        return {}
    if reader.given(places["tag"]) is None:
        reader.remarks.append(
            f"the file names no version of Rasa: {tag} is the chart's own in this release; compare with the pods"
        )
    if repository in VENDOR_IMAGES and tag.endswith(FULL):
        try:
            return {"version": kinds.VERSION.validate_python(tag.removesuffix(FULL))}
        except ValueError:
            pass
    try:
        return {"image": kinds.IMAGE.validate_python(f"{repository}:{tag}")}
    except ValueError:
        reader.refuse(places["tag"], "it makes no image such as rasa/rasa:3.6.21-full: set spec.rasa.image")
        return {}
