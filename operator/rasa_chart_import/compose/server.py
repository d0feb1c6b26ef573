"""One Rasa server of a docker-compose file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_chart_import.compose.command import Command, command_of
from rasa_chart_import.compose.reading import SERVICES
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader

PRO_IMAGE = re.compile(r"(^|/)rasa-(pro|plus)(:|@|$)")


@dataclass(frozen=True)
class Server:
    """One Rasa server of the file."""

    name: str
    place: Path
    image: str
    variables: Mapping[str, Any] = field(repr=False)
    command: Command

    @property
    def is_pro(self) -> bool:
        """Whether it is Rasa Pro."""
        return PRO_IMAGE.search(self.image) is not None

    @property
    def tag(self) -> str:
        """The tag of its image."""
        return self.image.rpartition(":")[2]


def server_of(reader: Reader, name: str) -> Server:
    """Return the server that a service is."""
    place = (SERVICES, name)
    image = reader.given((*place, "image"))
    return Server(
        name,
        place,
        image if isinstance(image, str) else "",
        reader.mapping((*place, "environment")),
        command_of(reader, (*place, "command")),
    )
