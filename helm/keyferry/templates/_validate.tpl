{{/* Refuses values that cannot work, all at once, each with what to do. */}}
{{- define "keyferry.validate" -}}
{{- $problems := concat
  (include "keyferry.validate.owner" . | fromJsonArray)
  (include "keyferry.validate.peers" . | fromJsonArray)
  (include "keyferry.validate.http" . | fromJsonArray)
  (include "keyferry.validate.redis" . | fromJsonArray)
-}}
{{- with $problems -}}
{{- fail (printf "\n\nThe values cannot be used:\n- %s\n" (join "\n- " .)) -}}
{{- end -}}
{{- end }}

{{- define "keyferry.validate.owner" -}}
{{- $problems := list -}}
{{- $values := .Values -}}
{{- $moreThanOne := gt (int $values.replicaCount) 1 -}}
{{- $why := empty $values.existingConfigMap | ternary "config.sources is not empty" "existingConfigMap may have sources" -}}
{{- if and $values.existingConfigMap (or $values.config.sources $values.config.sinks) -}}
{{- $problems = append $problems "config and existingConfigMap are both given: remove one of them" -}}
{{- else if not (or $values.existingConfigMap $values.config.sources $values.config.sinks) -}}
{{- $problems = append $problems "config has neither sources nor sinks: give at least one of either (docs/configuration.md), for example --set config.sources[0].name=all-keys" -}}
{{- end -}}
{{- if and $moreThanOne (include "keyferry.hasSources" .) -}}
{{- $problems = append $problems (printf "replicaCount is %d, and %s, each of which has one owner: two would write the same topic. Set replicaCount to 1, or install the sinks as a release of their own" (int $values.replicaCount) $why) -}}
{{- end -}}
{{- if and (lt (int $values.replicaCount) 1) (include "keyferry.hasSources" .) -}}
{{- $problems = append $problems (printf "replicaCount is 0, and %s: nobody would carry what changes meanwhile. Set it to 1" $why) -}}
{{- end -}}
{{- if and $moreThanOne $values.persistence.existingClaim -}}
{{- $problems = append $problems "persistence.existingClaim is one volume, and replicaCount more than one: each replica needs its own; leave existingClaim out" -}}
{{- else if and $values.persistence.existingClaim $values.autoscaling.enabled (gt (int $values.autoscaling.maxReplicaCount) 1) -}}
{{- $problems = append $problems "persistence.existingClaim is one volume, and autoscaling.maxReplicaCount more than one: each replica needs its own; leave existingClaim out" -}}
{{- end -}}
{{- $problems | toJson -}}
{{- end }}

{{/* Kafka and Redis: on loopback, where Keyferry looks by itself, there is nobody in a pod of its own. */}}
{{- define "keyferry.validate.peers" -}}
{{- $problems := list -}}
{{- $values := .Values -}}
{{- $isAlone := and (eq $values.mode "statefulset") (not $values.existingConfigMap) -}}
{{- $kafka := $values.config.kafka | default dict -}}
{{- if and $isAlone (not $kafka.brokers) (not (include "keyferry.mayHaveEnv" (list . "KEYFERRY_KAFKA_BROKERS"))) -}}
{{- $problems = append $problems "config.kafka.brokers is empty: say where Kafka is, for example --set config.kafka.brokers={kafka:9092}" -}}
{{- end -}}
{{- $redis := $values.config.redis | default dict -}}
{{- $needsRedis := false -}}
{{- with $values.config.sources -}}{{- $needsRedis = true -}}{{- end -}}
{{- range $values.config.sinks -}}
{{- if not (dig "redis" "url" "" .) -}}{{- $needsRedis = true -}}{{- end -}}
{{- end -}}
{{- $isGiven := or $values.redis.enabled $redis.url $redis.nodes (include "keyferry.mayHaveEnv" (list . "KEYFERRY_REDIS_URL")) (include "keyferry.mayHaveEnv" (list . "KEYFERRY_REDIS_NODES")) -}}
{{- if and $isAlone $needsRedis (not $isGiven) -}}
{{- $problems = append $problems "neither config.redis says where Redis is, nor does one come with this chart: give config.redis.url (or topology and nodes), or set redis.enabled to true" -}}
{{- end -}}
{{- if and $values.redis.enabled (or $values.externalRedis.existingSecret $values.externalRedis.tls.enabled) -}}
{{- $problems = append $problems "externalRedis is given, and redis.enabled: one Redis is too many; remove one of them" -}}
{{- end -}}
{{- range $name := list "externalRedis" "externalKafka" -}}
{{- with get $values $name -}}
{{- if and .tls.existingSecret (not .tls.enabled) -}}
{{- $problems = append $problems (printf "%s.tls.existingSecret has no effect while %s.tls.enabled is false: set that to true" $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $problems | toJson -}}
{{- end }}

{{/* A list: the root and a variable's name. What comes from a ConfigMap or a Secret, nobody can tell here. */}}
{{- define "keyferry.mayHaveEnv" -}}
{{- $values := (index . 0).Values -}}
{{- $name := index . 1 -}}
{{- if or $values.extraEnvVarsCM $values.extraEnvVarsSecret -}}true{{- end -}}
{{- range $values.extraEnvVars -}}{{- if eq .name $name -}}true{{- end -}}{{- end -}}
{{- end }}

{{- define "keyferry.validate.http" -}}
{{- $problems := list -}}
{{- $values := .Values -}}
{{- $http := $values.config.http | default dict -}}
{{- if and $values.tls.enabled (not $values.tls.existingSecret) -}}
{{- $problems = append $problems "tls.enabled needs tls.existingSecret: a Secret with certificate and key (kubectl create secret tls)" -}}
{{- end -}}
{{- $custom := and $values.customStartupProbe $values.customLivenessProbe $values.customReadinessProbe -}}
{{- if and (dig "tls" "caFile" "" $http) (not $custom) -}}
{{- $problems = append $problems "config.http.tls.caFile asks every client for a certificate, and the kubelet's probes have none: leave it out, or give customStartupProbe, customLivenessProbe and customReadinessProbe" -}}
{{- end -}}
{{- if and (hasKey $http "port") (eq (int $http.port) 0) -}}
{{- $problems = append $problems "config.http.port is 0, any free port: probes and Services need one that is known" -}}
{{- end -}}
{{- with $values.auth -}}
{{- if and .enabled .token .existingSecret -}}
{{- $problems = append $problems "auth.token and auth.existingSecret are both given: remove one of them" -}}
{{- end -}}
{{- if and .enabled .readOnlyTokenKey (not .existingSecret) -}}
{{- $problems = append $problems "auth.readOnlyTokenKey names a key of auth.existingSecret, which is empty: make a Secret with both tokens" -}}
{{- end -}}
{{- end -}}
{{- $reserved := list "auth" "http-tls" "redis" "redis-tls" "kafka" "kafka-tls" -}}
{{- range $values.secretMounts -}}
{{- if has .name $reserved -}}
{{- $problems = append $problems (printf "secretMounts has the name %s, which the chart uses by itself: choose another" .name) -}}
{{- end -}}
{{- end -}}
{{- $problems | toJson -}}
{{- end }}

{{- define "keyferry.validate.redis" -}}
{{- $problems := list -}}
{{- if .Values.redis.enabled -}}
{{- with .Values.redis -}}
{{- $nodes := int .cluster.nodes -}}
{{- $group := add 1 (int .cluster.replicas) | int -}}
{{- if gt $nodes 1 -}}
{{- if ne 0 (mod $nodes $group | int) -}}
{{- $problems = append $problems (printf "redis.cluster.nodes is %d, and each master with its replicas (redis.cluster.replicas) makes %d: give a multiple of %d" $nodes $group $group) -}}
{{- else if lt (div $nodes $group | int) 3 -}}
{{- $problems = append $problems (printf "redis.cluster.nodes is %d, which makes %d masters, and a cluster needs 3: give %d or more, or 1 for a single server" $nodes (div $nodes $group | int) (mul 3 $group | int)) -}}
{{- end -}}
{{- end -}}
{{- $standing := dig "spec" "replicas" 0 (lookup "apps/v1" "StatefulSet" $.Release.Namespace (include "keyferry.redis.fullname" $) | default dict) | int -}}
{{- if and $standing (ne (eq $standing 1) (eq $nodes 1)) -}}
{{- $problems = append $problems (printf "redis.cluster.nodes is %d, and there is %d now: a single server does not become a cluster, nor a cluster one. Install another release, and copy the keys (docs/two-clusters.md)" $nodes $standing) -}}
{{- end -}}
{{- if and .auth.enabled .auth.password .auth.existingSecret -}}
{{- $problems = append $problems "redis.auth.password and redis.auth.existingSecret are both given: remove one of them" -}}
{{- end -}}
{{- if and .auth.users (not (and .auth.enabled .auth.existingSecret)) -}}
{{- $problems = append $problems "redis.auth.users needs redis.auth.enabled and redis.auth.existingSecret, which holds their passwords" -}}
{{- end -}}
{{- if and .tls.enabled (eq (not .tls.existingSecret) (not .tls.autoGenerated)) -}}
{{- $problems = append $problems "redis.tls.enabled needs either redis.tls.existingSecret, a Secret with certificate, key and CA, or redis.tls.autoGenerated: true" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $problems | toJson -}}
{{- end }}
