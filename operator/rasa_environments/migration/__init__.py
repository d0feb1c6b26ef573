"""From the values of the Helm chart rasa-x (RasaHQ/rasa-x-helm) to our resources: pure, values in, resources out."""
