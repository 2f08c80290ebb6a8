{{/* The Redis that comes with the chart: where it is, and how to get in. */}}

{{- define "keyferry.redis.secretName" -}}
{{- .Values.redis.auth.existingSecret | default (include "keyferry.redis.fullname" .) -}}
{{- end }}

{{- define "keyferry.redis.tlsSecretName" -}}
{{- .Values.redis.tls.existingSecret | default (printf "%s-tls" (include "keyferry.redis.fullname" .)) -}}
{{- end }}

{{/* "true" for a cluster, nothing for a single server. */}}
{{- define "keyferry.redis.isCluster" -}}
{{- if gt (int .Values.redis.cluster.nodes) 1 -}}true{{- end -}}
{{- end }}

{{- define "keyferry.redis.masters" -}}
{{- div (int .Values.redis.cluster.nodes) (add 1 (int .Values.redis.cluster.replicas)) -}}
{{- end }}

{{/* What follows a pod's name in its own: `.kf-redis-headless.default.svc.cluster.local`. */}}
{{- define "keyferry.redis.domain" -}}
{{- printf ".%s-headless.%s.svc.%s" (include "keyferry.redis.fullname" .) .Release.Namespace .Values.clusterDomain -}}
{{- end }}

{{/* The addresses of all servers, host:port, as a JSON array. */}}
{{- define "keyferry.redis.nodes" -}}
{{- $nodes := list -}}
{{- range $at := until (int .Values.redis.cluster.nodes) -}}
{{- $nodes = append $nodes (printf "%s-%d%s:6379" (include "keyferry.redis.fullname" $) $at (include "keyferry.redis.domain" $)) -}}
{{- end -}}
{{- $nodes | toJson -}}
{{- end }}

{{/* How Keyferry reaches it: the section `redis` of its configuration, as JSON. */}}
{{- define "keyferry.redis.clientConfig" -}}
{{- $redis := .Values.redis -}}
{{- $host := printf "%s.%s.svc.%s" (include "keyferry.redis.fullname" .) .Release.Namespace .Values.clusterDomain -}}
{{- $hasUser := hasKey $redis.auth.users "keyferry" -}}
{{- $url := printf "%s://%s%s:%d" ($redis.tls.enabled | ternary "rediss" "redis") ($hasUser | ternary "keyferry@" "") $host (int $redis.service.port) -}}
{{- $config := dict "url" $url -}}
{{- if include "keyferry.redis.isCluster" . -}}
{{- $_ := set $config "topology" "cluster" -}}
{{- /* Some are enough to find the others, and so more of them do not restart Keyferry. */ -}}
{{- $nodes := include "keyferry.redis.nodes" . | fromJsonArray -}}
{{- $_ := set $config "nodes" (slice $nodes 0 (min 6 (len $nodes) | int)) -}}
{{- end -}}
{{- if $redis.auth.enabled -}}
{{- $key := $hasUser | ternary (dig "keyferry" "passwordKey" "" $redis.auth.users) $redis.auth.passwordKey -}}
{{- $_ := set $config "passwordFile" (printf "/run/secrets/keyferry/redis/%s" $key) -}}
{{- end -}}
{{- if $redis.tls.enabled -}}
{{- $file := "/run/secrets/keyferry/redis-tls/%s" -}}
{{- $tls := dict "caFile" (printf $file $redis.tls.caKey) -}}
{{- if $redis.tls.authClients -}}
{{- $_ := set $tls "certFile" (printf $file $redis.tls.certKey) -}}
{{- $_ := set $tls "keyFile" (printf $file $redis.tls.keyKey) -}}
{{- end -}}
{{- $_ := set $config "tls" $tls -}}
{{- end -}}
{{- $config | toJson -}}
{{- end }}

{{/* Every pod of the StatefulSet has a name in it; a client of the cluster gets to the others from any. */}}
{{- define "keyferry.redis.endpointType" -}}
{{- .Values.redis.cluster.preferredEndpointType | default (.Values.redis.tls.enabled | ternary "hostname" "ip") -}}
{{- end }}
