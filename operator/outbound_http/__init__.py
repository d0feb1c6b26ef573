"""Outbound HTTP for the operator and the model server: which addresses they may connect to, and limits on responses."""
