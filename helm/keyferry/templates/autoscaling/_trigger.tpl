{{/*
One trigger of a ScaledObject: what keyferry.scaled takes, and `trigger`. list, stream, kafka and prometheus get their connection from the
settings; all others go to KEDA as they stand. Metadata has KEDA's names, and wins over what is filled in here.
*/}}
{{- define "keyferry.trigger" -}}
{{- $trigger := .trigger -}}
{{- $server := include "keyferry.trigger.server" $trigger -}}
{{- $filled := include (printf "keyferry.trigger.%s" ($server | default "other")) . | fromJson -}}
type: {{ $filled.type | default $trigger.type }}
{{- with $trigger.name }}
name: {{ . }}
{{- end }}
{{- with $trigger.metricType }}
metricType: {{ . }}
{{- end }}
metadata:
  {{- range $name, $value := merge (dict) ($trigger.metadata | default dict) ($filled.metadata | default dict) }}
  {{ $name }}: {{ include "keyferry.trigger.text" $value | quote }}
  {{- end }}
{{- if $trigger.authenticationRef }}
authenticationRef:
  {{- toYaml $trigger.authenticationRef | nindent 2 }}
{{- else if $filled.login }}
authenticationRef:
  name: {{ .name }}-{{ $server }}
{{- end }}
{{- end }}

{{/* What a trigger asks, and so the template that fills it in: redis, kafka, prometheus; empty: something else. */}}
{{- define "keyferry.trigger.server" -}}
{{- if has .type (list "list" "stream") -}}
redis
{{- else if has .type (list "kafka" "prometheus") -}}
{{- .type -}}
{{- end -}}
{{- end }}

{{- define "keyferry.trigger.other" -}}
{}
{{- end }}

{{- define "keyferry.trigger.redis" -}}
{{- $isList := eq .trigger.type "list" -}}
{{- include "keyferry.trigger.required" (list . ($isList | ternary (list "listName") (list "stream" "consumerGroup"))) -}}
{{- $redis := include "keyferry.autoscaling.redis" . | fromJson -}}
{{- $isSingle := eq $redis.topology "standalone" -}}
{{- $type := $isSingle | ternary "redis" (printf "redis-%s" $redis.topology) -}}
{{- $metadata := dict ($isSingle | ternary "address" "addresses") (join "," $redis.addresses) -}}
{{- if eq $redis.topology "sentinel" -}}
{{- $_ := set $metadata "sentinelMaster" $redis.sentinelMaster -}}
{{- end -}}
{{- if $redis.tls.enabled -}}
{{- $_ := set $metadata "enableTLS" "true" -}}
{{- end -}}
{{- dict "type" ($isList | ternary $type (printf "%s-streams" $type)) "metadata" $metadata "login" $redis.login | toJson -}}
{{- end }}

{{- define "keyferry.trigger.kafka" -}}
{{- include "keyferry.trigger.required" (list . (list "consumerGroup" "topic")) -}}
{{- $kafka := include "keyferry.autoscaling.kafka" . | fromJson -}}
{{- $metadata := dict "bootstrapServers" (join "," $kafka.addresses) "version" $kafka.version "offsetResetPolicy" "earliest" -}}
{{- if $kafka.tls.enabled -}}
{{- $_ := set $metadata "tls" "enable" -}}
{{- end -}}
{{- with $kafka.auth.mechanism -}}
{{- $_ := set $metadata "sasl" (get (dict "plain" "plaintext" "scram-sha-256" "scram_sha256" "scram-sha-512" "scram_sha512") .) -}}
{{- end -}}
{{- dict "type" "kafka" "metadata" $metadata "login" $kafka.login | toJson -}}
{{- end }}

{{- define "keyferry.trigger.prometheus" -}}
{{- include "keyferry.trigger.required" (list . (list "query" "threshold")) -}}
{{- $address := .settings.prometheus.serverAddress -}}
{{- if not (or $address (hasKey .trigger.metadata "serverAddress")) -}}
{{- fail (printf "%s: say where Prometheus is (autoscaling.prometheus.serverAddress)" .where) -}}
{{- end -}}
{{- dict "type" "prometheus" "metadata" (dict "serverAddress" $address) | toJson -}}
{{- end }}

{{/* A list: what keyferry.trigger takes, and the names that the trigger's metadata must have. */}}
{{- define "keyferry.trigger.required" -}}
{{- $scope := index . 0 -}}
{{- range index . 1 -}}
{{- if not (hasKey ($scope.trigger.metadata | default dict) .) -}}
{{- fail (printf "%s.metadata: a trigger of type %s needs %s" $scope.where $scope.trigger.type .) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* KEDA takes texts only, and Helm writes a million as 1e+06. */}}
{{- define "keyferry.trigger.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end }}
