"""The operator as a process: kopf, settings, metrics, health, logs."""
