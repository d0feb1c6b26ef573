{{/* What a binding of the operator binds: a list of the root, the kind of role and its name. */}}
{{- define "rasa-environments.binds" -}}
{{- $root := index . 0 -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ index . 1 }}
  name: {{ index . 2 }}
subjects:
  - kind: ServiceAccount
    name: {{ include "rasa-environments.serviceAccount" $root }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}
