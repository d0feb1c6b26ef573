"""`python -m rasa_model_server`."""

from rasa_model_server.cli import main

if __name__ == "__main__":
    main()
