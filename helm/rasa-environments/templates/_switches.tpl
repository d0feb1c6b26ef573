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

{{- define "rasa-environments.installsAccountPolicy" -}}
{{- include "rasa-environments.switch" (list .Values.accountPolicy.enabled (include "rasa-environments.clusterWide" .)) -}}
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
Whether they come after the rest of this release. Helm looks up every kind before it installs anything, but for hooks:
a first installation, which brings the definitions, makes environments and model servers as hooks that bear the marks of
the release, so that from the next revision on they are objects of it as all others. Tags come with that revision: the
API server refuses them for some seconds after it got their definition and the policy that writes down who promotes.
*/}}
{{- define "rasa-environments.resourcesFollow" -}}
{{- $served := .Capabilities.APIVersions.Has "rasa-environments.io/v1alpha1" -}}
{{- if and (include "rasa-environments.installsCrds" .) .Release.IsInstall (not $served) -}}true{{- end -}}
{{- end -}}
