"""endpoints.yml and credentials.yml as Rasa X has them, where no others are given."""

from __future__ import annotations

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
