"""The cluster for laptops and build machines: a real control plane without Docker, real Rasa, and sample models."""
