"""Verification of models by candidates, before they get a tag."""
