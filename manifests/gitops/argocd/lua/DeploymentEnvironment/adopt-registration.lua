-- The environment takes over the entry of its name, which somebody else registered for another server.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["rasa-environments.io/adopt-registration"] = "true"
return obj
