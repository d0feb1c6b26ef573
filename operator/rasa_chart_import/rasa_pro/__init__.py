"""The values of the chart rasa for Rasa Pro (RasaHQ/rasa-helm-charts)."""
