{{/* The documents of a copied file with the labels of the release: a list of the root, the file, and annotations. */}}
{{- define "rasa-environments.copy" -}}
{{- $root := index . 0 -}}
{{- $annotations := index . 2 -}}
{{- range splitList "\n---\n" ($root.Files.Get (index . 1)) }}
{{- $document := fromYaml . }}
{{- if $document }}
{{- $metadata := $document.metadata }}
{{- $labels := include "rasa-environments.labels" $root | fromYaml }}
{{- $_ := set $metadata "labels" (merge (dict) ($metadata.labels | default dict) $labels) }}
{{- with $annotations }}
{{- $_ := set $metadata "annotations" (merge (dict) ($metadata.annotations | default dict) .) }}
{{- end }}
---
{{ toYaml $document }}
{{- end }}
{{- end }}
{{- end -}}
