-- The environment gets a new generated token, and its pods are rolled.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["rasa-environments.io/rotate-token-at"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
