"""All sources that values can be imported from."""

from __future__ import annotations

from rasa_chart_import.compose import resources as compose
from rasa_chart_import.open_source import resources as open_source
from rasa_chart_import.rasa_pro import resources as rasa_pro
from rasa_chart_import.rasa_x import resources as rasa_x

SOURCES = (rasa_x.SOURCE, open_source.SOURCE, rasa_pro.SOURCE, compose.SOURCE)
