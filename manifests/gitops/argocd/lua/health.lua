-- The health of a ModelServer, a DeploymentEnvironment and a ModelTag, as their conditions tell it. Argo CD runs this
-- with `obj` set to the object, and without Lua's string library.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is(type, wanted)
  return conditions[type] ~= nil and conditions[type].status == wanted
end

local ready = conditions["Ready"]
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "the operator has not seen this change yet" }
end
if ready.reason == "Suspended" then
  return { status = "Suspended", message = ready.message }
end
if is("Stalled", "True") then
  return { status = "Degraded", message = conditions["Stalled"].message }
end
if is("Reconciling", "True") or ready.status ~= "True" then
  return { status = "Progressing", message = ready.message }
end

-- What does not hold Ready back, and should be known all the same.
local message = ready.message
for _, type in ipairs({ "Registered", "ConversationsPersisted" }) do
  if is(type, "False") then
    message = message .. "; " .. conditions[type].message
  end
end
return { status = "Healthy", message = message }
