"""`python -m rasa_environments`."""

from rasa_environments.cli import main

main()
