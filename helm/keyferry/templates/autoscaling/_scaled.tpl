{{/*
One thing that scales, as a ScaledObject of KEDA with what it logs in by, or as a HorizontalPodAutoscaler. A dict of `root`, `where`
(how the values name it, for messages), `name`, `target` and `settings`.
*/}}
{{- define "keyferry.scaled" -}}
{{- $settings := .settings -}}
{{- if gt (int $settings.minReplicaCount) (int $settings.maxReplicaCount) -}}
{{- fail (printf "%s: minReplicaCount %v is above maxReplicaCount %v" .where $settings.minReplicaCount $settings.maxReplicaCount) -}}
{{- end -}}
{{- if eq $settings.engine "hpa" -}}
{{- include "keyferry.scaled.hpa" . -}}
{{- else -}}
{{- include "keyferry.scaled.keda" . -}}
{{- end -}}
{{- end }}

{{- define "keyferry.scaled.metadata" -}}
{{- $own := dict "name" .name "component" "autoscaling" "annotations" .settings.annotations -}}
{{- include "keyferry.metadata" (merge $own (pick . "root")) -}}
{{- end }}

{{- define "keyferry.scaled.hpa" -}}
{{- if lt (int .settings.minReplicaCount) 1 -}}
{{- fail (printf "%s: a HorizontalPodAutoscaler cannot begin from zero: set minReplicaCount to 1, or engine to keda" .where) -}}
{{- end -}}
{{- if .settings.triggers -}}
{{- fail (printf "%s.triggers: KEDA alone knows triggers: name metrics instead, or set engine to keda" .where) -}}
{{- end }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "keyferry.scaled.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    {{- toYaml .target | nindent 4 }}
  minReplicas: {{ .settings.minReplicaCount }}
  maxReplicas: {{ .settings.maxReplicaCount }}
  {{- with .settings.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  metrics:
    {{- if .settings.metrics }}
    {{- toYaml .settings.metrics | nindent 4 }}
    {{- else }}
    - type: Resource
      resource:
        name: cpu
        target: { type: Utilization, averageUtilization: 80 }
    {{- end }}
{{- end }}

{{- define "keyferry.scaled.keda" -}}
{{- if not .settings.triggers -}}
{{- fail (printf "%s.triggers: name at least one, for there is nothing to scale by" .where) -}}
{{- end -}}
{{- if .settings.metrics -}}
{{- fail (printf "%s.metrics: these are for a HorizontalPodAutoscaler: name triggers instead, or set engine to hpa" .where) -}}
{{- end -}}
{{- $scope := . }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "keyferry.scaled.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    {{- toYaml .target | nindent 4 }}
  pollingInterval: {{ .settings.pollingInterval }}
  cooldownPeriod: {{ .settings.cooldownPeriod }}
  minReplicaCount: {{ .settings.minReplicaCount }}
  maxReplicaCount: {{ .settings.maxReplicaCount }}
  {{- with .settings.fallback }}
  fallback:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .settings.behavior }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- toYaml . | nindent 8 }}
  {{- end }}
  triggers:
    {{- range $at, $trigger := .settings.triggers }}
    {{- $where := printf "%s.triggers[%d]" $scope.where $at }}
    - {{ include "keyferry.trigger" (merge (dict "where" $where "trigger" $trigger) $scope) | indent 6 | trim }}
    {{- end }}
{{- include "keyferry.trigger.logins" . }}
{{- end }}
