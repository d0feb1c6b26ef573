-- The operator leaves the environment alone; its pods go on.
obj.spec.suspend = true
return obj
