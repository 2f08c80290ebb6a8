{{- define "keyferry.redis.conf" -}}
{{- $redis := .Values.redis -}}
bind * -::*
protected-mode no
dir /data
appendonly yes
save ""
# What Keyferry hears of.
notify-keyspace-events AE
# A subscriber that is slow for a moment is not cut off: each time would be a gap and a reconcile.
client-output-buffer-limit pubsub 256mb 128mb 60
{{- if $redis.tls.enabled }}
port 0
tls-port 6379
tls-cert-file /tls/{{ $redis.tls.certKey }}
tls-key-file /tls/{{ $redis.tls.keyKey }}
tls-ca-cert-file /tls/{{ $redis.tls.caKey }}
tls-auth-clients {{ $redis.tls.authClients | ternary "yes" "no" }}
tls-replication yes
{{- else }}
port 6379
{{- end }}
{{- with $redis.maxmemory }}
maxmemory {{ . }}
maxmemory-policy {{ $redis.maxmemoryPolicy }}
{{- end }}
{{- if include "keyferry.redis.isCluster" . }}
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout {{ int $redis.cluster.nodeTimeoutMs }}
cluster-preferred-endpoint-type {{ include "keyferry.redis.endpointType" . }}
{{- if $redis.tls.enabled }}
tls-cluster yes
{{- end }}
{{- end }}
{{- with $redis.configuration }}
{{ . | trim }}
{{- end }}
{{- end }}

{{/* A line for each further ACL user: NAME KEY RULES... */}}
{{- define "keyferry.redis.users" -}}
{{- range $name, $user := .Values.redis.auth.users }}
{{ $name }} {{ $user.passwordKey }} {{ $user.rules | replace "\n" " " | trim }}
{{- end }}
{{- end }}

{{/* The scripts, and whom they are about. Running pods take a change up by themselves: it is in no checksum. */}}
{{- define "keyferry.redis.scripts" -}}
{{- range $path, $_ := .Files.Glob "files/redis/*" }}
{{ base $path }}: |
  {{- $.Files.Get $path | nindent 2 }}
{{- end }}
peers: |
  {{- range include "keyferry.redis.nodes" . | fromJsonArray }}
  {{ . }}
  {{- end }}
{{- end }}

{{/*
What the scripts need to know; a list of the root and the server that they ask first. Nothing here changes with the number of
servers, which would restart all of them.
*/}}
{{- define "keyferry.redis.scriptEnv" -}}
{{- $root := index . 0 -}}
- name: CLUSTER
  value: {{ empty (include "keyferry.redis.isCluster" $root) | ternary "no" "yes" | quote }}
- name: PEERS_FILE
  value: /scripts/peers
- name: LOCAL
  value: {{ index . 1 }}
{{- if $root.Values.redis.auth.enabled }}
- name: SECRETS_DIR
  value: /secrets
- name: PASSWORD_FILE
  value: /secrets/{{ $root.Values.redis.auth.passwordKey }}
{{- end }}
{{- if $root.Values.redis.tls.enabled }}
{{- $tls := $root.Values.redis.tls }}
- name: TLS_FLAGS
  value: >-
    --tls --cacert /tls/{{ $tls.caKey }}{{ if $tls.authClients }} --cert /tls/{{ $tls.certKey }} --key /tls/{{ $tls.keyKey }}{{ end }}
{{- end }}
{{- end }}

{{- define "keyferry.redis.mounts" -}}
- name: scripts
  mountPath: /scripts
  readOnly: true
{{- if .Values.redis.auth.enabled }}
- name: secrets
  mountPath: /secrets
  readOnly: true
{{- end }}
{{- if .Values.redis.tls.enabled }}
- name: tls
  mountPath: /tls
  readOnly: true
{{- end }}
{{- end }}

{{/* A list of the root, the name of the ConfigMap that holds the scripts, and whether Secrets may be missing. */}}
{{- define "keyferry.redis.volumes" -}}
{{- $root := index . 0 -}}
{{- $isEarly := index . 2 | default false -}}
- name: scripts
  configMap:
    name: {{ index . 1 }}
    defaultMode: 0555
{{- if $root.Values.redis.auth.enabled }}
- name: secrets
  secret:
    secretName: {{ include "keyferry.redis.secretName" $root }}
    defaultMode: 0440
    optional: {{ $isEarly }}
{{- end }}
{{- if $root.Values.redis.tls.enabled }}
- name: tls
  secret:
    secretName: {{ include "keyferry.redis.tlsSecretName" $root }}
    defaultMode: 0440
    optional: {{ $isEarly }}
{{- end }}
{{- end }}
