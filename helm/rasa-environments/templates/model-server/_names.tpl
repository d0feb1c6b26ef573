{{/* The Secret with the model server's tokens. */}}
{{- define "rasa-environments.modelServer.secret" -}}
{{- .Values.modelServer.tokens.existingSecret | default (include "rasa-environments.modelServer.fullname" .) -}}
{{- end -}}
