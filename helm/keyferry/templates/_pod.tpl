{{/* What the pods of Keyferry and of Redis have in common. Each takes a dict: `root`, `values` of the component, `component`. */}}

{{/* Without the chart's version: a new one that changes nothing else must not restart anything. */}}
{{- define "keyferry.podLabels" -}}
{{ include "keyferry.selectorLabels" (list .root .component) }}
{{- with merge (dict) .values.podLabels .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "keyferry.scheduling" -}}
{{- $values := .values -}}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- else }}
{{- if $values.podAntiAffinityPreset }}
affinity:
  podAntiAffinity:
    {{- if eq $values.podAntiAffinityPreset "hard" }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "keyferry.selectorLabels" (list .root .component) | nindent 12 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "keyferry.selectorLabels" (list .root .component) | nindent 14 }}
    {{- end }}
{{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with $values.podSecurityContext }}
{{- if .enabled }}
securityContext:
  {{- toYaml (omit . "enabled") | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* A container's: what it may do, and how much of the node it gets. */}}
{{- define "keyferry.limits" -}}
{{- with .values.containerSecurityContext }}
{{- if .enabled }}
securityContext:
  {{- toYaml (omit . "enabled") | nindent 2 }}
{{- end }}
{{- end }}
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A dict: `persistence`, `root`. The template of a volume claim, named "data". */}}
{{- define "keyferry.volumeClaim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  {{- with .persistence.labels }}
  labels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .persistence.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  accessModes:
    {{- toYaml .persistence.accessModes | nindent 4 }}
  {{- $class := .persistence.storageClass | default .root.Values.global.storageClass }}
  {{- if $class }}
  storageClassName: {{ eq $class "-" | ternary "" $class | quote }}
  {{- end }}
  {{- with .persistence.selector }}
  selector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  resources:
    requests:
      storage: {{ .persistence.size }}
{{- end }}

{{/* A dict: `root`, `component`, `name`, `pdb`. */}}
{{- define "keyferry.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "keyferry.metadata" (dict "root" .root "component" .component "name" .name) | nindent 2 }}
spec:
  {{- if .pdb.minAvailable }}
  minAvailable: {{ .pdb.minAvailable }}
  {{- else }}
  maxUnavailable: {{ .pdb.maxUnavailable }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "keyferry.selectorLabels" (list .root .component) | nindent 6 }}
{{- end }}
