"""Which release of Rasa an environment states, and whether that determines what it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.shapes import mapping, mappings
from rasa_environments.desired.deployment import CONTAINER
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import layers, merged_spec
from rasa_environments.domain.compatibility import RunningReleases, stated_release


def stated_releases(environment: DeploymentEnvironment, server: ModelServer | None) -> RunningReleases:
    """Return what the spec says, with the defaults of the ModelServer; nothing for a server that runs elsewhere."""
    key = environment.metadata.key
    if environment.spec.external is not None or server is None:
        return RunningReleases(key)
    try:
        spec = merged_spec(environment, server)
    except SpecError:
        return RunningReleases(key)
    version, image = (spec.rasa.version, spec.rasa.image) if spec.rasa is not None else (None, None)
    templates = [layer.pod_template or {} for layer, _ in layers(environment, server)]
    return RunningReleases(
        key,
        stated=None if version is None else stated_release(version),
        own_image=image is not None or any(map(_names_image, templates)),
    )


def _names_image(pod_template: Mapping[str, Any]) -> bool:
    """Return whether the template replaces the image of the Rasa server."""
    containers = mappings(mapping(pod_template.get("spec")).get("containers"))
    return any(each.get("name") == CONTAINER and each.get("image") is not None for each in containers)
