-- Back to the model that the tag still carries, where the last promotion never took place, or to the one before.
local status = obj.status or {}
local model = status.previousModel
if status.taggedModel ~= nil and status.taggedModel.name ~= obj.spec.model then
  model = status.taggedModel
end
if model == nil then
  error("no model is known before " .. (obj.spec.model or "the first"))
end
obj.spec.model = model.name

-- With the image of the action server that the ModelTag last named for that model.
for _, entry in ipairs(status.history or {}) do
  if entry.model == model.name then
    obj.spec.actionServer = entry.actionServerImage and { image = entry.actionServerImage } or nil
    break
  end
end

-- This promotion is another's than the one before, and admission refuses it under that name.
local annotations = obj.metadata.annotations or {}
if annotations["rasa-environments.io/promoted-by"] ~= nil then
  annotations["rasa-environments.io/promoted-by"] = ""
end
return obj
