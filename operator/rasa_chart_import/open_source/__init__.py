"""The values of the chart rasa (RasaHQ/helm-charts, 1.x), for open-source Rasa."""
