{{/*
For a chart that has this one as a dependency with `mode: sidecar`, in the template of its pod:

  annotations:
    {{- include "keyferry.sidecar.annotations" .Subcharts.keyferry | nindent 4 }}
  spec:
    initContainers:
      {{- include "keyferry.sidecar" .Subcharts.keyferry | nindent 6 }}
    volumes:
      {{- include "keyferry.sidecar.volumes" .Subcharts.keyferry | nindent 6 }}
*/}}

{{/* A native sidecar: up before the pod's containers start, and ended after them, so that it carries their last writes. */}}
{{- define "keyferry.sidecar" -}}
{{- include "keyferry.container" (dict "root" . "sidecar" true) -}}
{{- end }}

{{- define "keyferry.sidecar.volumes" -}}
{{- include "keyferry.volumes" (dict "root" . "sidecar" true) }}
{{- if not .Values.sidecar.stateVolume }}
- name: keyferry-state
  emptyDir: {}
{{- end }}
{{- end }}

{{- define "keyferry.sidecar.annotations" -}}
{{- include "keyferry.checksums" . | trim -}}
{{- end }}
