"""The cluster for a laptop or a build machine: a real control plane without Docker, real Rasa, and sample models."""
