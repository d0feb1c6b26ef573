"""endpoints.yml and credentials.yml, for `rasa x --config-endpoint`."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.settings import Settings
from rasa_model_server.web.answers import ConfigurationAnswer, json_response

# Literally 10: an interval that comes from a variable is text to Rasa, which polls each second for "0" and never for
# "10s".
DEFAULT_ENDPOINTS = """\
models:
  url: ${RASA_MODEL_SERVER}
  token: ${RASA_X_TOKEN}
  wait_time_between_pulls: 10
"""
DEFAULT_CREDENTIALS = """\
rasa:
  url: ${RASA_X_HOST}/api
"""


class ConfigurationHandlers:
    """The handler of /config."""

    def __init__(self, settings: Settings) -> None:
        rasa_x = settings.profile.rasa_x is not None
        self._endpoints = settings.endpoints_file or (DEFAULT_ENDPOINTS if rasa_x else "")
        self._credentials = settings.credentials_file or (DEFAULT_CREDENTIALS if rasa_x else "")

    async def read_configuration(self, _: Request) -> Response:
        """Answer both as they are now, with their variables as they are written: Rasa puts in its own."""
        return json_response(
            ConfigurationAnswer(endpoints=_text_of(self._endpoints), credentials=_text_of(self._credentials))
        )


def _text_of(source: Path | str) -> str:
    return source.read_text(encoding="utf-8") if isinstance(source, Path) else source
