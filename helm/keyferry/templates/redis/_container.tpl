{{/* A dict: `root`, `values`. */}}
{{- define "keyferry.redis.container" -}}
{{- $root := .root -}}
{{- $redis := .values -}}
- name: redis
  image: {{ include "keyferry.image" (dict "root" $root "image" $redis.image) }}
  imagePullPolicy: {{ $redis.image.pullPolicy }}
  command: [sh, /scripts/start.sh]
  {{- include "keyferry.limits" (dict "values" $redis) | nindent 2 }}
  env:
    - name: POD_NAME
      valueFrom: { fieldRef: { fieldPath: metadata.name } }
    - name: POD_IP
      valueFrom: { fieldRef: { fieldPath: status.podIP } }
    - name: NODE_NAME
      valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
    - name: SELF
      value: $(POD_NAME){{ include "keyferry.redis.domain" $root }}:6379
    - name: CONF_FILE
      value: /conf/redis.conf
    - name: USERS_FILE
      value: /conf/users
    - name: DATA_DIR
      value: /data
    - name: RUN_DIR
      value: /run/redis
    {{- include "keyferry.redis.scriptEnv" (list $root "127.0.0.1:6379") | nindent 4 }}
    {{- with $redis.extraEnvVars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: redis
      containerPort: 6379
    {{- if include "keyferry.redis.isCluster" $root }}
    - name: bus
      containerPort: 16379
    {{- end }}
  {{- range $kind, $script := dict "liveness" "live.sh" "readiness" "ready.sh" }}
  {{- with get $redis (printf "%sProbe" $kind) }}
  {{- if .enabled }}
  {{ $kind }}Probe:
    exec:
      command: [sh, /scripts/{{ $script }}]
    {{- toYaml (omit . "enabled") | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- end }}
  {{- if include "keyferry.redis.isCluster" $root }}
  lifecycle:
    preStop:
      exec:
        command: [sh, /scripts/stop.sh]
  {{- end }}
  volumeMounts:
    - name: data
      mountPath: /data
    - name: config
      mountPath: /conf
      readOnly: true
    - name: run
      mountPath: /run/redis
    {{- include "keyferry.redis.mounts" $root | nindent 4 }}
    {{- with $redis.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* redis_exporter, for the server in the same pod. */}}
{{- define "keyferry.redis.exporter" -}}
{{- $redis := .Values.redis -}}
{{- $exporter := $redis.exporter -}}
- name: exporter
  image: {{ include "keyferry.image" (dict "root" . "image" $exporter.image) }}
  imagePullPolicy: {{ $exporter.image.pullPolicy }}
  {{- with $exporter.extraArgs }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- include "keyferry.limits" (dict "values" $exporter) | nindent 2 }}
  env:
    - name: REDIS_ADDR
      value: {{ $redis.tls.enabled | ternary "rediss" "redis" }}://127.0.0.1:6379
    - name: REDIS_EXPORTER_WEB_LISTEN_ADDRESS
      value: {{ printf ":%d" (int $exporter.port) | quote }}
    {{- if $redis.auth.enabled }}
    - name: REDIS_PASSWORD
      valueFrom:
        secretKeyRef:
          name: {{ include "keyferry.redis.secretName" . }}
          key: {{ $redis.auth.passwordKey }}
    {{- end }}
    {{- if $redis.tls.enabled }}
    - name: REDIS_EXPORTER_TLS_CA_CERT_FILE
      value: /tls/{{ $redis.tls.caKey }}
    {{- if $redis.tls.authClients }}
    - name: REDIS_EXPORTER_TLS_CLIENT_CERT_FILE
      value: /tls/{{ $redis.tls.certKey }}
    - name: REDIS_EXPORTER_TLS_CLIENT_KEY_FILE
      value: /tls/{{ $redis.tls.keyKey }}
    {{- end }}
    # The certificate names the pod, and this asks at 127.0.0.1, which one of yours may not name.
    - name: REDIS_EXPORTER_SKIP_TLS_VERIFICATION
      value: 'true'
    {{- end }}
  ports:
    - name: metrics
      containerPort: {{ $exporter.port }}
  {{- if $redis.tls.enabled }}
  volumeMounts:
    - name: tls
      mountPath: /tls
      readOnly: true
  {{- end }}
{{- end }}
