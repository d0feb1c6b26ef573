"""The custom resources: pydantic models, the validation rules they share with the CRDs, and the generator of crds/."""
