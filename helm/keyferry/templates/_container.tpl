{{/* The container that runs Keyferry, and its volumes: in its own pod, and as a sidecar in that of a user. */}}

{{/* A dict: `root`, and `sidecar`, true for a native sidecar. */}}
{{- define "keyferry.container" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
- name: keyferry
  image: {{ include "keyferry.image" (dict "root" $root "image" $values.image) }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  {{- if .sidecar }}
  restartPolicy: Always
  {{- end }}
  {{- with $values.command }}
  command:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- include "keyferry.limits" (dict "values" $values) | nindent 2 }}
  env:
    {{- include "keyferry.env" $root | nindent 4 }}
    {{- with $values.extraEnvVars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or $values.extraEnvVarsCM $values.extraEnvVarsSecret }}
  envFrom:
    {{- with $values.extraEnvVarsCM }}
    - configMapRef:
        name: {{ . }}
    {{- end }}
    {{- with $values.extraEnvVarsSecret }}
    - secretRef:
        name: {{ . }}
    {{- end }}
  {{- end }}
  ports:
    - name: {{ .sidecar | ternary "keyferry" "http" }}
      containerPort: {{ include "keyferry.httpPort" $root }}
  {{- include "keyferry.probes" . | nindent 2 }}
  {{- if $values.lifecycleHooks }}
  lifecycle:
    {{- toYaml $values.lifecycleHooks | nindent 4 }}
  {{- else if gt (int $values.preStopSeconds) 0 }}
  lifecycle:
    # Then comes SIGTERM, and Keyferry drains.
    preStop:
      sleep:
        seconds: {{ $values.preStopSeconds }}
  {{- end }}
  volumeMounts:
    {{- include "keyferry.mounts" . | nindent 4 }}
    {{- with $values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* What a configuration may refer to as ${POD_NAME}. */}}
{{- define "keyferry.env" -}}
- name: KEYFERRY_CONFIG
  value: /etc/keyferry/keyferry.yaml
{{- range $name, $path := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_IP" "status.podIP" "NODE_NAME" "spec.nodeName" }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $path }}
{{- end }}
{{- end }}

{{/*
Started and alive is what answers /livez. /readyz is for the Service alone: what is not ready goes on trying, and a restart would
not help. A sidecar counts for the whole pod, and so is asked only where the user says so.
*/}}
{{- define "keyferry.probes" -}}
{{- $values := .root.Values -}}
{{- $port := .sidecar | ternary "keyferry" "http" -}}
{{- $tls := dig "http" "tls" "enabled" false (include "keyferry.config" .root | fromJson) -}}
{{- $probes := dict "startup" "/livez" "liveness" "/livez" -}}
{{- if or (not .sidecar) $values.sidecar.readinessProbe -}}
{{- $_ := set $probes "readiness" "/readyz" -}}
{{- end -}}
{{- range $kind, $path := $probes }}
{{- $custom := get $values (printf "custom%sProbe" (title $kind)) }}
{{- $probe := get $values (printf "%sProbe" $kind) }}
{{- if $custom }}
{{ $kind }}Probe:
  {{- toYaml $custom | nindent 2 }}
{{- else if $probe.enabled }}
{{ $kind }}Probe:
  httpGet:
    path: {{ $path }}
    port: {{ $port }}
    {{- if $tls }}
    scheme: HTTPS
    {{- end }}
  {{- toYaml (omit $probe "enabled") | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "keyferry.mounts" -}}
- name: {{ .sidecar | ternary "keyferry-config" "config" }}
  mountPath: /etc/keyferry
  readOnly: true
- name: {{ .sidecar | ternary (.root.Values.sidecar.stateVolume | default "keyferry-state") "data" }}
  mountPath: /var/lib/keyferry
  {{- if and .sidecar .root.Values.sidecar.stateSubPath }}
  subPath: {{ .root.Values.sidecar.stateSubPath }}
  {{- end }}
- name: {{ .sidecar | ternary "keyferry-tmp" "tmp" }}
  mountPath: /tmp
{{- $prefix := .sidecar | ternary "keyferry-secret" "secret" }}
{{- range $folder, $secret := include "keyferry.secretFolders" .root | fromJson }}
- name: {{ $prefix }}-{{ $folder }}
  mountPath: /run/secrets/keyferry/{{ $folder }}
  readOnly: true
{{- end }}
{{- end }}

{{/* All but that of the state store, which each of the two has in its own way. */}}
{{- define "keyferry.volumes" -}}
- name: {{ .sidecar | ternary "keyferry-config" "config" }}
  configMap:
    name: {{ include "keyferry.configMapName" .root }}
- name: {{ .sidecar | ternary "keyferry-tmp" "tmp" }}
  emptyDir: {}
{{- $prefix := .sidecar | ternary "keyferry-secret" "secret" }}
{{- /* In a pod of somebody else, only its fsGroup could let Keyferry's user read them. */}}
{{- $mode := .sidecar | ternary "0444" "0440" }}
{{- range $folder, $secret := include "keyferry.secretFolders" .root | fromJson }}
- name: {{ $prefix }}-{{ $folder }}
  secret:
    secretName: {{ $secret }}
    defaultMode: {{ $mode }}
{{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "keyferry.configMapName" -}}
{{- .Values.existingConfigMap | default (include "keyferry.fullname" .) -}}
{{- end }}

{{/* Changed with what a running pod would not take up by itself. */}}
{{- define "keyferry.checksums" -}}
{{- if not .Values.existingConfigMap }}
checksum/config: {{ include "keyferry.config" . | sha256sum }}
{{- end }}
{{- with .Values.auth.token }}
checksum/token: {{ . | sha256sum }}
{{- end }}
{{- end }}

{{/* "true" where something else sets the number of replicas. */}}
{{- define "keyferry.isScaledFromOutside" -}}
{{- if dig "enabled" false (.Values.autoscaling | default dict) -}}true{{- end -}}
{{- end }}
