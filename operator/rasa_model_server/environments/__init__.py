"""The Rasa servers that are registered, and talking to them."""
