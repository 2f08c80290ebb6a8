{{/* Annotations of a pod in a mesh of Linkerd; nothing where there is none. The root. */}}
{{- define "keyferry.linkerd.podAnnotations" -}}
{{- with .Values.linkerd -}}
{{- if .enabled -}}
linkerd.io/inject: {{ .inject }}
{{- range $name, $ports := dict "opaque-ports" .opaquePorts "skip-inbound-ports" .skipInboundPorts "skip-outbound-ports" .skipOutboundPorts }}
{{- with $ports }}
config.linkerd.io/{{ $name }}: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := .config }}
config.linkerd.io/{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Of a Service, as JSON: clients look its ports up there. A list of the root and the Service's own, which win. */}}
{{- define "keyferry.linkerd.serviceAnnotations" -}}
{{- $ours := dict -}}
{{- with (index . 0).Values.linkerd -}}
{{- if and .enabled .opaquePorts -}}
{{- $_ := set $ours "config.linkerd.io/opaque-ports" (join "," .opaquePorts) -}}
{{- end -}}
{{- end -}}
{{- merge (dict) (index . 1 | default dict) $ours | toJson -}}
{{- end }}

{{/* For pods that are to end: a proxy beside them would go on. */}}
{{- define "keyferry.noMesh" -}}
linkerd.io/inject: disabled
sidecar.istio.io/inject: 'false'
{{- end }}
