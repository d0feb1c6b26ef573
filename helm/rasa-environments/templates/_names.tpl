{{/* The chart's name. */}}
{{- define "rasa-environments.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What the objects of the release are called: the release's name, with the chart's if that is not in it. */}}
{{- define "rasa-environments.fullname" -}}
{{- $name := include "rasa-environments.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The objects of the model server; short enough for the suffixes of pods. */}}
{{- define "rasa-environments.modelServer.fullname" -}}
{{- printf "%s-model-server" (include "rasa-environments.fullname" . | trunc 50 | trimSuffix "-") -}}
{{- end -}}

{{/* By which a Deployment knows its pods: the same as in manifests/, so that Helm can take over what kubectl applied. */}}
{{- define "rasa-environments.operator.selector" -}}
app.kubernetes.io/name: {{ include "rasa-environments.fullname" . }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "rasa-environments.modelServer.selector" -}}
app.kubernetes.io/name: {{ include "rasa-environments.fullname" . }}
app.kubernetes.io/component: model-server
{{- end -}}

{{/* Labels of every object; of one that has a component, after its selector. */}}
{{- define "rasa-environments.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: rasa-environments
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Metadata of an object: a list of the root, the name, the component (or ""), and annotations. */}}
{{- define "rasa-environments.metadata" -}}
{{- $root := index . 0 -}}
{{- $component := index . 2 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  app.kubernetes.io/name: {{ include "rasa-environments.fullname" $root }}
  {{- with $component }}
  app.kubernetes.io/component: {{ . }}
  {{- end }}
  {{- include "rasa-environments.labels" $root | nindent 2 }}
{{- with index . 3 }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "rasa-environments.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "rasa-environments.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "rasa-environments.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}
