"""The only code that speaks HTTP to model servers and Rasa servers."""
