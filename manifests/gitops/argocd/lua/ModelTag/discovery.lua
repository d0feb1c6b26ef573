-- A tag can go back to the model that it still carries, where the last promotion never took place, or to the one before.
local status = obj.status or {}
local tagged = status.taggedModel
local known = status.previousModel ~= nil or tagged ~= nil and tagged.name ~= obj.spec.model

local actions = {}
actions["rollback"] = { disabled = not known }
return actions
