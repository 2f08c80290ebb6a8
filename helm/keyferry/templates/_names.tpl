{{/* How things are called, and labelled. Every template here takes the root context unless it says otherwise. */}}

{{- define "keyferry.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* 45 characters: what is added ("-redis-headless-0") has to fit into a DNS label. */}}
{{- define "keyferry.fullname" -}}
{{- $name := include "keyferry.name" . -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 45 | trimSuffix "-" -}}
{{- end }}

{{- define "keyferry.redis.fullname" -}}
{{- printf "%s-redis" (include "keyferry.fullname" .) -}}
{{- end }}

{{- define "keyferry.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "keyferry.fullname" .) "default") -}}
{{- end }}

{{/* What selects pods: a list of the root context and the component, "keyferry" or "redis". Never changes in a release's life. */}}
{{- define "keyferry.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "keyferry.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* A list of the root context and the component. */}}
{{- define "keyferry.labels" -}}
{{- $root := index . 0 -}}
{{ include "keyferry.selectorLabels" . }}
{{- if $root.Chart.AppVersion }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
The metadata of an object: a dict of `root`, `component`, `name`, and, where there are any, `annotations` and `labels` of its own.
*/}}
{{- define "keyferry.metadata" -}}
{{- $annotations := merge (dict) (.annotations | default dict) .root.Values.commonAnnotations -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "keyferry.labels" (list .root .component) | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A dict of `root` and `image`; an image without a tag is of the chart's appVersion. */}}
{{- define "keyferry.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- $name := empty $registry | ternary .image.repository (printf "%s/%s" $registry .image.repository) -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* A dict of `root` and `image`. */}}
{{- define "keyferry.pullSecrets" -}}
{{- with concat .root.Values.global.imagePullSecrets .image.pullSecrets | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
