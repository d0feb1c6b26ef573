"""All HTTP communication with model servers and Rasa servers."""
