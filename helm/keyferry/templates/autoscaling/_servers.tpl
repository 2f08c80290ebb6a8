{{/*
The servers that triggers ask, as JSON: addresses, auth, tls, and `login`: the parameters that KEDA takes from Secrets. Each takes what
keyferry.scaled does. What the settings leave empty is the Redis of this chart, and the Kafka of config.
*/}}
{{- define "keyferry.autoscaling.redis" -}}
{{- $redis := .settings.redis -}}
{{- $own := dict -}}
{{- if and .root.Values.redis.enabled (not $redis.addresses) -}}
{{- $own = include "keyferry.redis.access" .root | fromJson -}}
{{- end -}}
{{- $addresses := $redis.addresses | default (get $own (dig "tls" "enabled" false $own | ternary "names" "nodes")) -}}
{{- include "keyferry.autoscaling.addresses" (list .where "autoscaling.redis.addresses" $addresses) -}}
{{- $topology := $own.topology | default $redis.topology -}}
{{- $auth := $redis.auth.existingSecret | empty | ternary ($own.auth | default $redis.auth) $redis.auth -}}
{{- $tls := $redis.tls.enabled | ternary $redis.tls ($own.tls | default $redis.tls) -}}
{{- $login := include "keyferry.autoscaling.login" (dict "auth" $auth "tls" $tls) | fromJsonArray -}}
{{- dict "addresses" $addresses "topology" $topology "sentinelMaster" $redis.sentinelMaster "auth" $auth "tls" $tls "login" $login | toJson -}}
{{- end }}

{{- define "keyferry.autoscaling.kafka" -}}
{{- $kafka := .settings.kafka -}}
{{- $own := dict -}}
{{- if not $kafka.bootstrapServers -}}
{{- $own = include "keyferry.autoscaling.ownKafka" .root | fromJson -}}
{{- end -}}
{{- $addresses := $kafka.bootstrapServers | default $own.addresses -}}
{{- include "keyferry.autoscaling.addresses" (list .where "autoscaling.kafka.bootstrapServers" $addresses) -}}
{{- $auth := $kafka.auth.mechanism | empty | ternary ($own.auth | default $kafka.auth) $kafka.auth -}}
{{- $tls := $kafka.tls.enabled | ternary $kafka.tls ($own.tls | default $kafka.tls) -}}
{{- if and $auth.mechanism (not (has $auth.mechanism (list "plain" "scram-sha-256" "scram-sha-512"))) -}}
{{- fail (printf "%s: the chart cannot make KEDA log in to Kafka by %s: give the trigger an authenticationRef, and autoscaling.kafka.bootstrapServers" .where $auth.mechanism) -}}
{{- end -}}
{{- if and $auth.mechanism (not (and $auth.existingSecret $auth.usernameKey)) -}}
{{- fail (printf "%s: KEDA takes user and password of Kafka from a Secret only: set autoscaling.kafka.auth (mechanism, existingSecret, usernameKey, passwordKey)" .where) -}}
{{- end -}}
{{- $login := include "keyferry.autoscaling.login" (dict "auth" $auth "tls" $tls) | fromJsonArray -}}
{{- dict "addresses" $addresses "version" $kafka.version "auth" $auth "tls" $tls "login" $login | toJson -}}
{{- end }}

{{/* The Kafka of config and externalKafka, as JSON. The root. */}}
{{- define "keyferry.autoscaling.ownKafka" -}}
{{- $kafka := (.Values.config).kafka | default dict -}}
{{- $brokers := $kafka.brokers | default list -}}
{{- if kindIs "string" $brokers -}}
{{- $brokers = regexSplit "\\s*,\\s*" $brokers -1 -}}
{{- end -}}
{{- $external := .Values.externalKafka -}}
{{- $auth := dict "mechanism" (($kafka.sasl).mechanism | default "") "existingSecret" $external.existingSecret "passwordKey" $external.passwordKey -}}
{{- $tls := merge (dict "enabled" (or $external.tls.enabled ($kafka.tls).enabled)) $external.tls -}}
{{- dict "addresses" $brokers "auth" $auth "tls" $tls | toJson -}}
{{- end }}

{{/* What KEDA takes from Secrets, as JSON: the items of secretTargetRef. A dict of auth and tls. */}}
{{- define "keyferry.autoscaling.login" -}}
{{- $secret := .auth.existingSecret -}}
{{- $login := list -}}
{{- if $secret -}}
{{- if .auth.usernameKey -}}
{{- $login = append $login (dict "parameter" "username" "name" $secret "key" .auth.usernameKey) -}}
{{- end -}}
{{- $login = append $login (dict "parameter" "password" "name" $secret "key" .auth.passwordKey) -}}
{{- end -}}
{{- if and .tls.enabled .tls.existingSecret -}}
{{- range $parameter, $key := dict "ca" .tls.caKey "cert" .tls.certKey "key" .tls.keyKey -}}
{{- if $key -}}
{{- $login = append $login (dict "parameter" $parameter "name" $.tls.existingSecret "key" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $login | toJson -}}
{{- end }}

{{/* A list: where the trigger stands, the value that names addresses, and the addresses. KEDA runs in a namespace of its own. */}}
{{- define "keyferry.autoscaling.addresses" -}}
{{- $where := printf "%s (%s)" (index . 0) (index . 1) -}}
{{- if not (index . 2) -}}
{{- fail (printf "%s: name the servers (host:port)" $where) -}}
{{- end -}}
{{- range index . 2 -}}
{{- if contains "${" . -}}
{{- fail (printf "%s: %q is filled in by Keyferry, where KEDA cannot see it: write the address itself" $where .) -}}
{{- else if not (regexMatch "^.+:[0-9]+$" .) -}}
{{- fail (printf "%s: %q is not host:port" $where .) -}}
{{- else if not (regexMatch "[.\\[]" .) -}}
{{- fail (printf "%s: KEDA would look up %q in its own namespace: write NAME.NAMESPACE.svc.cluster.local:PORT" $where .) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A TriggerAuthentication for each server that the triggers of one scaled thing log in to. */}}
{{- define "keyferry.trigger.logins" -}}
{{- $scope := . -}}
{{- $done := list -}}
{{- range .settings.triggers }}
{{- $server := include "keyferry.trigger.server" . }}
{{- if and (has $server (list "redis" "kafka")) (not (has $server $done)) (not .authenticationRef) }}
{{- $done = append $done $server }}
{{- with (include (printf "keyferry.autoscaling.%s" $server) $scope | fromJson).login }}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  {{- include "keyferry.metadata" (dict "root" $scope.root "component" "autoscaling" "name" (printf "%s-%s" $scope.name $server)) | nindent 2 }}
spec:
  secretTargetRef:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
