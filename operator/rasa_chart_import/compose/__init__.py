"""Rasa servers of docker-compose, as the pages of Rasa X have them."""
