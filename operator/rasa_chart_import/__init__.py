"""From the values of the Helm chart rasa-x (RasaHQ/rasa-x-helm) to this project's resources, and the command for it.

Where this package is installed, `rasa-environments` has the command; the operator's image does without.
"""
