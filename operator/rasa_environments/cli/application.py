"""All commands in one application."""

from rasa_environments.cli.commands import application_of

application = application_of()
