FROM debian:12-slim
COPY envoy /usr/local/bin/envoy
USER 101
ENTRYPOINT ["/usr/local/bin/envoy"]
