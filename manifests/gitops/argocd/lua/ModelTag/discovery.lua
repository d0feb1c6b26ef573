-- A tag can go back to the model that it still carries, where the last promotion never took place, or to the one before.
local status = obj.status or {}
local known = status.previousModel ~= nil or status.model ~= nil and status.model ~= obj.spec.model

local actions = {}
actions["rollback"] = { disabled = not known }
return actions
