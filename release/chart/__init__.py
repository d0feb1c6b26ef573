"""The Helm chart's generated files: values.yaml, values.schema.json, README.md and copies of crds/ and manifests/."""
