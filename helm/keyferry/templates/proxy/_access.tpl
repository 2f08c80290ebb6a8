{{/*
The Redis of this chart for those that are not Keyferry, as JSON: topology, nodes (the Service), names (each server's own, which its
certificate has), auth, tls.
*/}}
{{- define "keyferry.redis.access" -}}
{{- $redis := .Values.redis -}}
{{- $name := include "keyferry.redis.fullname" . -}}
{{- $auth := dict "username" "" "usernameKey" "" "existingSecret" "" "passwordKey" $redis.auth.passwordKey -}}
{{- if $redis.auth.enabled -}}
{{- $_ := set $auth "existingSecret" (include "keyferry.redis.secretName" .) -}}
{{- end -}}
{{- $tls := dict "enabled" $redis.tls.enabled "caKey" $redis.tls.caKey "certKey" "" "keyKey" "" -}}
{{- if $redis.tls.enabled -}}
{{- $_ := set $tls "existingSecret" (include "keyferry.redis.tlsSecretName" .) -}}
{{- $_ := set $tls "serverName" (printf "%s-0%s" $name (include "keyferry.redis.domain" .)) -}}
{{- if $redis.tls.authClients -}}
{{- $_ := set $tls "certKey" $redis.tls.certKey -}}
{{- $_ := set $tls "keyKey" $redis.tls.keyKey -}}
{{- end -}}
{{- end -}}
{{- dict
  "topology" (include "keyferry.redis.isCluster" . | empty | ternary "standalone" "cluster")
  "nodes" (list (printf "%s.%s.svc.%s:%d" $name .Release.Namespace .Values.clusterDomain (int $redis.service.port)))
  "names" (include "keyferry.redis.nodes" . | fromJsonArray)
  "auth" $auth
  "tls" $tls
  | toJson -}}
{{- end }}
