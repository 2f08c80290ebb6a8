{{/*
What the proxy connects to, as JSON: nodes, topology, auth, tls. What redis.proxy leaves empty is the Redis of this chart, where
there is one.
*/}}
{{- define "keyferry.proxy.settings" -}}
{{- $proxy := .Values.redis.proxy -}}
{{- $own := dict -}}
{{- if and .Values.redis.enabled (not $proxy.nodes) -}}
{{- $own = include "keyferry.redis.access" . | fromJson -}}
{{- end -}}
{{- $nodes := $proxy.nodes | default $own.nodes -}}
{{- if not $nodes -}}
{{- fail "redis.proxy.nodes: name the Redis to connect to (host:port); this chart brings none (redis.enabled is false)" -}}
{{- end -}}
{{- range $nodes -}}
{{- if not (regexMatch "^.+:[0-9]+$" .) -}}
{{- fail (printf "redis.proxy.nodes: %q is not host:port" .) -}}
{{- end -}}
{{- end -}}
{{- $topology := $proxy.topology | default $own.topology -}}
{{- if not $topology -}}
{{- fail "redis.proxy.topology: say whether redis.proxy.nodes are of a cluster, or a standalone server" -}}
{{- end -}}
{{- $auth := $proxy.auth.existingSecret | empty | ternary ($own.auth | default $proxy.auth) $proxy.auth -}}
{{- $tls := $proxy.tls.enabled | ternary $proxy.tls ($own.tls | default $proxy.tls) -}}
{{- if and $tls.enabled (not (and $tls.existingSecret $tls.serverName)) -}}
{{- fail "redis.proxy.tls: name the Secret with the CA (existingSecret) and the name that the certificates have (serverName)" -}}
{{- end -}}
{{- dict "nodes" $nodes "topology" $topology "auth" $auth "tls" $tls | toJson -}}
{{- end }}
