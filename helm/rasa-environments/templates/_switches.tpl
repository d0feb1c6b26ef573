{{/* Each is "true" or empty. A switch that is null decides by what else is asked for. */}}

{{- define "rasa-environments.switch" -}}
{{- if kindIs "invalid" (index . 0) -}}{{ index . 1 }}{{- else if index . 0 -}}true{{- end -}}
{{- end -}}

{{/* Whether the operator of this release looks after the whole cluster. */}}
{{- define "rasa-environments.clusterWide" -}}
{{- if and .Values.operator.enabled (not .Values.namespaces) -}}true{{- end -}}
{{- end -}}

{{- define "rasa-environments.installsCrds" -}}
{{- include "rasa-environments.switch" (list .Values.crds.install (include "rasa-environments.clusterWide" .)) -}}
{{- end -}}

{{- define "rasa-environments.installsPolicies" -}}
{{- include "rasa-environments.switch" (list .Values.promotion.policies (include "rasa-environments.clusterWide" .)) -}}
{{- end -}}

{{- define "rasa-environments.installsRoles" -}}
{{- include "rasa-environments.switch" (list .Values.promotion.roles (include "rasa-environments.installsPolicies" .)) -}}
{{- end -}}

{{- define "rasa-environments.installsStamp" -}}
{{- $able := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
{{- $wanted := ternary (include "rasa-environments.installsPolicies" .) "" $able -}}
{{- include "rasa-environments.switch" (list .Values.promotion.stamp $wanted) -}}
{{- end -}}

{{- define "rasa-environments.electsLeader" -}}
{{- if gt (int .Values.replicas) 1 -}}true{{- end -}}
{{- end -}}

{{- define "rasa-environments.hasPodDisruptionBudget" -}}
{{- if .Values.operator.enabled -}}
{{- include "rasa-environments.switch" (list .Values.podDisruptionBudget.enabled (include "rasa-environments.electsLeader" .)) -}}
{{- end -}}
{{- end -}}

{{/* Names and specs of the environments that the values ask for. */}}
{{- define "rasa-environments.environments" -}}
{{- $both := ternary (dict "production" dict "worker" dict) dict .Values.productionAndWorker -}}
{{- mergeOverwrite $both (deepCopy .Values.environments) | toYaml -}}
{{- end -}}

{{/* Whether the values ask for ModelServers, environments or tags. */}}
{{- define "rasa-environments.asksForResources" -}}
{{- with .Values -}}
{{- if or .modelServer.enabled .modelServers .environments .modelTags .productionAndWorker -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Whether they are in this revision. Helm looks up every kind before it installs anything, so a release that brings the
definitions cannot bring what they define at the same time: that comes with the next revision. From then on it is always
in: a cluster that for a moment does not name the kinds must not look as if nothing was wanted any more.
*/}}
{{- define "rasa-environments.hasResources" -}}
{{- $served := .Capabilities.APIVersions.Has "rasa-environments.io/v1alpha1" -}}
{{- if and (include "rasa-environments.asksForResources" .) (or $served .Release.IsUpgrade (not (include "rasa-environments.installsCrds" .))) -}}true{{- end -}}
{{- end -}}
