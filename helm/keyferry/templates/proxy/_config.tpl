{{/*
Envoy's bootstrap configuration (docs/proxy.md says why each setting is what it is). Two listeners: Redis on loopback, for the
containers of the pod; metrics and health on the pod's address, which lets nothing else of the admin interface through.
*/}}
{{- define "keyferry.proxy.config" -}}
{{- $proxy := .Values.redis.proxy -}}
{{- $redis := include "keyferry.proxy.settings" . | fromJson -}}
node: { id: redis-proxy, cluster: redis-proxy }
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: {{ $proxy.adminPort }} } }
static_resources:
  listeners:
    - name: redis
      address: { socket_address: { address: 127.0.0.1, port_value: {{ $proxy.port }} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.redis_proxy
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy
                stat_prefix: redis
                settings:
                  op_timeout: {{ $proxy.opTimeout }}
                  enable_redirection: true
                  enable_command_stats: true
                  read_policy: {{ $proxy.readPolicy }}
                  dns_cache_config: { name: redis, dns_lookup_family: V4_PREFERRED }
                prefix_routes: { catch_all_route: { cluster: redis } }
    - name: metrics
      address: { socket_address: { address: 0.0.0.0, port_value: {{ $proxy.metricsPort }} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: metrics
                normalize_path: true
                http_filters:
                  - name: envoy.filters.http.health_check
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck
                      pass_through_mode: false
                      headers: [{ name: ':path', string_match: { exact: /healthz } }]
                      cluster_min_healthy_percentages: { redis: { value: 1 } }
                  - name: envoy.filters.http.router
                    typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
                route_config:
                  virtual_hosts:
                    - name: admin
                      domains: ['*']
                      routes:
                        - match: { path: /stats/prometheus, headers: [{ name: ':method', string_match: { exact: GET } }] }
                          route: { cluster: admin }
                        - match: { path: /ready, headers: [{ name: ':method', string_match: { exact: GET } }] }
                          route: { cluster: admin }
  clusters:
    - name: redis
      connect_timeout: {{ $proxy.connectTimeout }}
      dns_lookup_family: V4_PREFERRED
      {{- if eq $redis.topology "cluster" }}
      lb_policy: CLUSTER_PROVIDED
      cluster_type:
        name: envoy.clusters.redis
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.clusters.redis.v3.RedisClusterConfig
          cluster_refresh_rate: {{ $proxy.refreshInterval }}
          cluster_refresh_timeout: {{ $proxy.connectTimeout }}
          redirect_refresh_interval: 1s
          redirect_refresh_threshold: 1
          failure_refresh_threshold: 1
          host_degraded_refresh_threshold: 1
      {{- else }}
      type: STRICT_DNS
      lb_policy: MAGLEV
      {{- end }}
      wait_for_warm_on_init: false
      ignore_health_on_host_removal: true
      health_checks:
        - interval: 2s
          timeout: 1s
          unhealthy_threshold: 2
          healthy_threshold: 1
          no_traffic_interval: 2s
          custom_health_check:
            name: envoy.health_checkers.redis
            typed_config: { '@type': type.googleapis.com/envoy.extensions.health_checkers.redis.v3.Redis }
      load_assignment:
        cluster_name: redis
        endpoints:
          - lb_endpoints:
              {{- range $redis.nodes }}
              - endpoint: { address: { socket_address: { address: {{ regexReplaceAll ":[0-9]+$" . "" | trimAll "[]" | quote }}, port_value: {{ regexFind "[0-9]+$" . }} } } }
              {{- end }}
      {{- with include "keyferry.proxy.login" $redis.auth }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "keyferry.proxy.transport" $redis.tls }}
      {{- . | nindent 6 }}
      {{- end }}
    - name: admin
      type: STATIC
      connect_timeout: 1s
      load_assignment:
        cluster_name: admin
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: {{ $proxy.adminPort }} } } }
{{- end }}

{{/* How the proxy logs in to Redis. Takes auth of the settings. */}}
{{- define "keyferry.proxy.login" -}}
{{- if .existingSecret -}}
typed_extension_protocol_options:
  envoy.filters.network.redis_proxy:
    '@type': type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions
    {{- with .username }}
    auth_username: { inline_string: {{ . | quote }} }
    {{- end }}
    auth_password: { filename: {{ printf "/secrets/redis/%s" .passwordKey | quote }} }
{{- end }}
{{- end }}

{{/* TLS towards Redis. The certificates come by files that Envoy watches, so that renewed ones are taken up. Takes tls of the settings. */}}
{{- define "keyferry.proxy.transport" -}}
{{- if .enabled -}}
transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    sni: {{ .serverName | quote }}
    common_tls_context:
      {{- if .certKey }}
      tls_certificate_sds_secret_configs:
        - name: certificate
          sds_config:
            resource_api_version: V3
            path_config_source: { path: /etc/envoy/tls-certificate.yaml }
      {{- end }}
      combined_validation_context:
        default_validation_context:
          match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: {{ .serverName | quote }} } }]
        validation_context_sds_secret_config:
          name: authority
          sds_config:
            resource_api_version: V3
            path_config_source: { path: /etc/envoy/tls-authority.yaml }
{{- end }}
{{- end }}

{{/* What Envoy reads certificates by: the folder of the mounted Secret is watched. Takes tls of the settings. */}}
{{- define "keyferry.proxy.tlsFiles" -}}
{{- if .enabled -}}
tls-authority.yaml: |
  resources:
    - '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
      name: authority
      validation_context:
        trusted_ca: { filename: {{ printf "/secrets/tls/%s" .caKey | quote }} }
        watched_directory: { path: /secrets/tls }
{{- if .certKey }}
tls-certificate.yaml: |
  resources:
    - '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
      name: certificate
      tls_certificate:
        certificate_chain: { filename: {{ printf "/secrets/tls/%s" .certKey | quote }} }
        private_key: { filename: {{ printf "/secrets/tls/%s" .keyKey | quote }} }
        watched_directory: { path: /secrets/tls }
{{- end }}
{{- end }}
{{- end }}
