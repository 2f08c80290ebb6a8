{{/* A worker's settings, as JSON: its own, then those of autoscaling that all share, then the defaults. */}}
{{- define "keyferry.worker.settings" -}}
{{- $shared := pick .root.Values.autoscaling "redis" "kafka" "prometheus" -}}
{{- $defaults := dict
  "engine" "keda" "minReplicaCount" 0 "maxReplicaCount" 10 "pollingInterval" 15 "cooldownPeriod" 300
  "triggers" list "metrics" list "behavior" dict "fallback" dict "annotations" dict
-}}
{{- mergeOverwrite (deepCopy $defaults) (deepCopy $shared) (deepCopy .worker) | toJson -}}
{{- end }}

{{/*
Keyferry's own settings, as JSON: a trigger on the lag of each topic of each sink, then those that the values name. Refuses what
must not scale: a source has one owner, at all times.
*/}}
{{- define "keyferry.autoscaling.settings" -}}
{{- $config := .Values.config | default dict -}}
{{- include "keyferry.autoscaling.refuse" . -}}
{{- $settings := deepCopy (omit .Values.autoscaling "enabled" "workers" "lagThreshold") -}}
{{- if eq $settings.engine "keda" -}}
{{- $triggers := list -}}
{{- range $sink := $config.sinks -}}
{{- range $topic := $sink.topics -}}
{{- range list $sink.group $topic -}}
{{- if contains "${" . -}}
{{- fail (printf "autoscaling.enabled: %q of the sink %s is filled in by Keyferry, where KEDA cannot see it: write it out in config" . $sink.name) -}}
{{- end -}}
{{- end -}}
{{- $lag := dict "consumerGroup" $sink.group "topic" $topic "lagThreshold" $.Values.autoscaling.lagThreshold -}}
{{- $triggers = append $triggers (dict "type" "kafka" "metadata" $lag) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $settings "triggers" (concat $triggers $settings.triggers) -}}
{{- end -}}
{{- $settings | toJson -}}
{{- end }}

{{- define "keyferry.autoscaling.refuse" -}}
{{- $config := .Values.config | default dict -}}
{{- if ne .Values.mode "statefulset" -}}
{{- fail "autoscaling.enabled: a sidecar scales with its pod, which is yours: set mode to statefulset" -}}
{{- end -}}
{{- if .Values.existingConfigMap -}}
{{- fail "autoscaling.enabled: the chart cannot see the sinks of existingConfigMap: put the configuration into config" -}}
{{- end -}}
{{- range $config.sources -}}
{{- if eq (.type | default "keyspace") "keyspace" -}}
{{- fail (printf "autoscaling.enabled: the keyspace source %s has one owner, at all times: it never scales to zero or beyond one. Put the sinks into a release of their own, and scale that one" .name) -}}
{{- else -}}
{{- fail (printf "autoscaling.enabled: the %s source %s would lose its order among several owners. Put the sinks into a release of their own, and scale that one" .type .name) -}}
{{- end -}}
{{- end -}}
{{- if not $config.sinks -}}
{{- fail "autoscaling.enabled: config.sinks is empty, and sinks alone scale" -}}
{{- end -}}
{{- end }}
