"""The values of the chart rasa-x (RasaHQ/rasa-x-helm)."""
