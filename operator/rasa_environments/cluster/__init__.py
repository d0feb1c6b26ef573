"""All communication with the Kubernetes API server."""
