"""Outbound HTTP of the operator and of the model server: which addresses are dialled, and what a response may cost."""
