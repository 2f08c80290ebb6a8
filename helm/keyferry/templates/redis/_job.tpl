{{/*
The spec of a Job that runs one of the scripts. A dict: `root`, `script`, `scripts` (the ConfigMap), `env` (more of it, a list),
and `isEarly` where it may run before there is any Secret.
*/}}
{{- define "keyferry.redis.job" -}}
{{- $root := .root -}}
{{- $redis := .root.Values.redis -}}
{{- $job := $redis.cluster.job -}}
activeDeadlineSeconds: {{ $job.activeDeadlineSeconds }}
backoffLimit: {{ $job.backoffLimit }}
template:
  metadata:
    labels:
      {{- include "keyferry.podLabels" (dict "root" $root "component" "redis-job" "values" $redis) | nindent 6 }}
      {{ include "keyferry.redis.fullname" $root }}-client: 'true'
    annotations:
      {{- include "keyferry.noMesh" . | nindent 6 }}
  spec:
    restartPolicy: OnFailure
    {{- include "keyferry.pullSecrets" (dict "root" $root "image" $redis.image) | nindent 4 }}
    automountServiceAccountToken: false
    enableServiceLinks: false
    {{- include "keyferry.scheduling" (dict "root" $root "component" "redis-job" "values" (pick $redis "nodeSelector" "tolerations" "priorityClassName" "schedulerName" "podSecurityContext")) | nindent 4 }}
    containers:
      - name: cluster
        image: {{ include "keyferry.image" (dict "root" $root "image" $redis.image) }}
        imagePullPolicy: {{ $redis.image.pullPolicy }}
        command: [sh, /scripts/{{ .script }}]
        {{- include "keyferry.limits" (dict "values" (dict "containerSecurityContext" $redis.containerSecurityContext "resources" $job.resources)) | nindent 8 }}
        env:
          {{- include "keyferry.redis.scriptEnv" (list $root (include "keyferry.redis.nodes" $root | fromJsonArray | first)) | nindent 10 }}
          - name: MASTERS
            value: {{ include "keyferry.redis.masters" $root | quote }}
          {{- toYaml .env | nindent 10 }}
        volumeMounts:
          {{- include "keyferry.redis.mounts" $root | nindent 10 }}
    volumes:
      {{- include "keyferry.redis.volumes" (list $root .scripts .isEarly) | nindent 6 }}
{{- end }}
