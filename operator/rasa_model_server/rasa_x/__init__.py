"""Rasa X and Rasa Enterprise: what three generations of them answer, and the Rasa servers they talk to."""
