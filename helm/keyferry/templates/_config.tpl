{{/* Keyferry's configuration file, and the Secrets that it refers to as files. */}}

{{/* What the chart knows by itself, and the user's `config` over it. JSON, which YAML includes: toYaml writes 64000000 as 6.4e+07. */}}
{{- define "keyferry.config" -}}
{{- $own := dict
  "http" (include "keyferry.config.http" . | fromJson)
  "redis" (include "keyferry.config.redis" . | fromJson)
  "kafka" (include "keyferry.config.kafka" . | fromJson)
  "state" (dict "path" "/var/lib/keyferry")
-}}
{{- mergeOverwrite $own (deepCopy .Values.config) | toPrettyJson -}}
{{- end }}

{{- define "keyferry.config.http" -}}
{{- $http := dict "host" "0.0.0.0" "port" 8080 -}}
{{- $given := .Values.config.http | default dict -}}
{{- if not .Values.auth.enabled -}}
{{- $_ := set $http "allowUnauthenticated" true -}}
{{- else if not (or $given.token $given.tokenFile) -}}
{{- $_ := set $http "tokenFile" (printf "/run/secrets/keyferry/auth/%s" .Values.auth.tokenKey) -}}
{{- with .Values.auth.readOnlyTokenKey -}}
{{- $_ := set $http "readOnlyTokenFile" (printf "/run/secrets/keyferry/auth/%s" .) -}}
{{- end -}}
{{- end -}}
{{- with .Values.tls -}}
{{- if .enabled -}}
{{- $file := "/run/secrets/keyferry/http-tls/%s" -}}
{{- $_ := set $http "tls" (dict "enabled" true "certFile" (printf $file .certKey) "keyFile" (printf $file .keyKey)) -}}
{{- end -}}
{{- end -}}
{{- $http | toJson -}}
{{- end }}

{{- define "keyferry.config.redis" -}}
{{- if .Values.redis.enabled -}}
{{- include "keyferry.redis.clientConfig" . -}}
{{- else -}}
{{- include "keyferry.config.login" (list "redis" .Values.externalRedis) -}}
{{- end -}}
{{- end }}

{{- define "keyferry.config.kafka" -}}
{{- $kafka := include "keyferry.config.login" (list "kafka" (omit .Values.externalKafka "existingSecret")) | fromJson -}}
{{- with .Values.externalKafka -}}
{{- if .existingSecret -}}
{{- $sasl := dig "kafka" "sasl" "mechanism" "" $.Values.config -}}
{{- $key := eq $sasl "oauthbearer" | ternary "clientSecretFile" "passwordFile" -}}
{{- $_ := set $kafka "sasl" (dict $key (printf "/run/secrets/keyferry/kafka/%s" .passwordKey)) -}}
{{- end -}}
{{- end -}}
{{- $kafka | toJson -}}
{{- end }}

{{/* A list: "redis" or "kafka", and the section externalRedis or externalKafka. */}}
{{- define "keyferry.config.login" -}}
{{- $peer := index . 0 -}}
{{- $login := dict -}}
{{- with index . 1 -}}
{{- if .existingSecret -}}
{{- $_ := set $login "passwordFile" (printf "/run/secrets/keyferry/%s/%s" $peer .passwordKey) -}}
{{- end -}}
{{- if .tls.enabled -}}
{{- $tls := dict "enabled" true -}}
{{- if .tls.existingSecret -}}
{{- range $file, $key := dict "caFile" .tls.caKey "certFile" .tls.certKey "keyFile" .tls.keyKey -}}
{{- if $key -}}
{{- $_ := set $tls $file (printf "/run/secrets/keyferry/%s-tls/%s" $peer $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set $login "tls" $tls -}}
{{- end -}}
{{- end -}}
{{- $login | toJson -}}
{{- end }}

{{- define "keyferry.authSecretName" -}}
{{- .Values.auth.existingSecret | default (printf "%s-auth" (include "keyferry.fullname" .)) -}}
{{- end }}

{{/* The Secrets by the names of their folders below /run/secrets/keyferry: a JSON object. */}}
{{- define "keyferry.secretFolders" -}}
{{- $folders := dict -}}
{{- if .Values.auth.enabled -}}{{- $_ := set $folders "auth" (include "keyferry.authSecretName" .) -}}{{- end -}}
{{- if .Values.tls.enabled -}}{{- $_ := set $folders "http-tls" .Values.tls.existingSecret -}}{{- end -}}
{{- if .Values.redis.enabled -}}
{{- if .Values.redis.auth.enabled -}}{{- $_ := set $folders "redis" (include "keyferry.redis.secretName" .) -}}{{- end -}}
{{- if .Values.redis.tls.enabled -}}{{- $_ := set $folders "redis-tls" (include "keyferry.redis.tlsSecretName" .) -}}{{- end -}}
{{- else -}}
{{- with .Values.externalRedis.existingSecret -}}{{- $_ := set $folders "redis" . -}}{{- end -}}
{{- with .Values.externalRedis.tls.existingSecret -}}{{- $_ := set $folders "redis-tls" . -}}{{- end -}}
{{- end -}}
{{- with .Values.externalKafka.existingSecret -}}{{- $_ := set $folders "kafka" . -}}{{- end -}}
{{- with .Values.externalKafka.tls.existingSecret -}}{{- $_ := set $folders "kafka-tls" . -}}{{- end -}}
{{- range .Values.secretMounts -}}{{- $_ := set $folders .name .secretName -}}{{- end -}}
{{- $folders | toJson -}}
{{- end }}

{{- define "keyferry.httpPort" -}}
{{- (include "keyferry.config" . | fromJson).http.port | int -}}
{{- end }}

{{/* "true" where the configuration has sources, whatever their type; nothing otherwise. */}}
{{- define "keyferry.hasSources" -}}
{{- if or .Values.config.sources .Values.existingConfigMap -}}true{{- end -}}
{{- end }}
