{{/*
What an application's own chart puts into its pod; docs/proxy.md shows how. Each takes this chart's scope: `.` here,
`.Subcharts.keyferry` in a chart that depends on this one.
*/}}
{{- define "keyferry.proxy.name" -}}
{{- printf "%s-redis-proxy" (include "keyferry.fullname" .) -}}
{{- end }}

{{/* A native sidecar: goes into initContainers, runs beside the application, ends after it. */}}
{{- define "keyferry.proxy.initContainer" -}}
{{- $proxy := .Values.redis.proxy -}}
{{- $redis := include "keyferry.proxy.settings" . | fromJson -}}
- name: redis-proxy
  image: {{ include "keyferry.image" (dict "root" . "image" $proxy.image) }}
  imagePullPolicy: {{ $proxy.image.pullPolicy }}
  restartPolicy: Always
  command: [/usr/local/bin/envoy]
  args:
    - --config-path
    - /etc/envoy/envoy.yaml
    - --concurrency
    - {{ $proxy.concurrency | quote }}
    - --log-level
    - {{ $proxy.logLevel }}
    - --disable-hot-restart
  ports:
    - name: redis-metrics
      containerPort: {{ $proxy.metricsPort }}
  # Up once it has found Redis: the application starts after that.
  startupProbe:
    httpGet: { path: /healthz, port: redis-metrics }
    periodSeconds: 1
    failureThreshold: 60
  # Not one healthy node for a minute: begun anew, it asks DNS again for where Redis is.
  livenessProbe:
    httpGet: { path: /healthz, port: redis-metrics }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  {{- include "keyferry.limits" (dict "values" $proxy) | nindent 2 }}
  volumeMounts:
    - name: redis-proxy-config
      mountPath: /etc/envoy
      readOnly: true
    {{- if $redis.auth.existingSecret }}
    - name: redis-proxy-login
      mountPath: /secrets/redis
      readOnly: true
    {{- end }}
    {{- if $redis.tls.enabled }}
    - name: redis-proxy-tls
      mountPath: /secrets/tls
      readOnly: true
    {{- end }}
{{- end }}

{{- define "keyferry.proxy.volumes" -}}
{{- $redis := include "keyferry.proxy.settings" . | fromJson -}}
- name: redis-proxy-config
  configMap:
    name: {{ include "keyferry.proxy.name" . }}
{{- with $redis.auth.existingSecret }}
- name: redis-proxy-login
  secret:
    secretName: {{ . }}
    items: [{ key: {{ $redis.auth.passwordKey | quote }}, path: {{ $redis.auth.passwordKey | quote }} }]
{{- end }}
{{- if $redis.tls.enabled }}
- name: redis-proxy-tls
  secret:
    secretName: {{ $redis.tls.existingSecret }}
    items:
      {{- range list $redis.tls.caKey $redis.tls.certKey $redis.tls.keyKey | compact }}
      - { key: {{ . | quote }}, path: {{ . | quote }} }
      {{- end }}
{{- end }}
{{- end }}

{{/* Starts the application's pods anew when the proxy's configuration changes: Envoy reads it once. */}}
{{- define "keyferry.proxy.podAnnotations" -}}
checksum/redis-proxy: {{ include "keyferry.proxy.files" . | sha256sum }}
{{- end }}

{{- define "keyferry.proxy.files" -}}
envoy.yaml: |
  {{- include "keyferry.proxy.config" . | nindent 2 }}
{{ include "keyferry.proxy.tlsFiles" (include "keyferry.proxy.settings" . | fromJson).tls }}
{{- end }}
