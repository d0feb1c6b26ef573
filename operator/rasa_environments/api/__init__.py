"""The resources: their pydantic models, the rules that hold in them and in the CRDs, and the generator of crds/."""
