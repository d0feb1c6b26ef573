"""From values files of the vendor's Helm charts, and from docker-compose files, to this project's resources.

Where this package is installed, `rasa-environments` has the command `import`; the operator's image does without.
"""
