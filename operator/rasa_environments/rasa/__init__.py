"""All HTTP communication with model servers and Rasa servers; it knows no resource, condition or option of ours."""
