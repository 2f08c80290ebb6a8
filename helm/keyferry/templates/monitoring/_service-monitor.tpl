{{/* A dict: `root`, `component`, `name`, `monitor` (its values), `port`, and where they are needed `scheme` and `tlsConfig`. */}}
{{- define "keyferry.serviceMonitor" -}}
{{- $labels := merge (dict) (.monitor.labels | default dict) -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- $metadata := include "keyferry.metadata" (dict "root" .root "component" .component "name" .name "labels" $labels "annotations" .monitor.annotations) | fromYaml }}
  {{- with .monitor.namespace }}
  {{- $_ := set $metadata "namespace" . }}
  {{- end }}
  {{- toYaml $metadata | nindent 2 }}
spec:
  {{- with .monitor.jobLabel }}
  jobLabel: {{ . }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "keyferry.selectorLabels" (list .root .component) | nindent 6 }}
    matchExpressions:
      # Pods behind both Services would be scraped twice.
      - key: keyferry/headless
        operator: Exists
  namespaceSelector:
    matchNames: [{{ .root.Release.Namespace }}]
  endpoints:
    - port: {{ .port }}
      path: /metrics
      {{- with .scheme }}
      scheme: {{ . }}
      {{- end }}
      {{- with .tlsConfig }}
      tlsConfig:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- range $key := list "interval" "scrapeTimeout" "honorLabels" "relabelings" "metricRelabelings" }}
      {{- with get $.monitor $key }}
      {{ $key }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
{{- end }}
