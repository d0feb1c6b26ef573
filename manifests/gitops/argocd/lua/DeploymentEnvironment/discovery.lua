-- Which actions an environment offers now.
local suspended = obj.spec.suspend == true
local adoptable = false
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Registered" and condition.reason == "RegisteredByAnother" then
    adoptable = true
  end
end

local actions = {}
actions["suspend"] = { disabled = suspended }
actions["resume"] = { disabled = not suspended }
-- A token that is in a Secret of yours is rotated there.
actions["rotate-token"] = { disabled = suspended or obj.spec.external ~= nil or obj.spec.authToken ~= nil }
actions["adopt-registration"] = { disabled = not adoptable }
return actions
