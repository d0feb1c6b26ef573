"""What is generated or packed for users: the chart's files, single-file manifests, reference pages, `kubectl rasa`."""
