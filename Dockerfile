# Run it with a configuration at /etc/keyferry/keyferry.yaml and a volume at /var/lib/keyferry:
#   docker run --read-only -v ./keyferry.yaml:/etc/keyferry/keyferry.yaml:ro -v keyferry:/var/lib/keyferry keyferry
# What it has and why: docs/image.md. Nothing here needs BuildKit.
FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package has to prepare itself: the native ones come built for each platform.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM node:26-slim AS root
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm sbom would miss what is for developers only, even when told to leave it out.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && npm pkg delete devDependencies scripts \
 && npm sbom --sbom-format=cyclonedx > sbom.cdx.json
COPY image/root-filesystem.sh /
COPY LICENSE ./
COPY --from=build /app/dist dist
COPY config/keyferry.yaml /etc/keyferry/keyferry.yaml
RUN sh /root-filesystem.sh /root-filesystem

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Keyferry" \
      org.opencontainers.image.description="Ferries changes between Redis and Kafka, both ways: after any fault the topic converges to what Redis holds." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="docker.io/library/node:26-slim"
COPY --from=root /root-filesystem /
# A volume of any kind takes over whom its directory belongs to; group 0, for those who run it as a user of their own.
COPY --from=root --chown=1000:0 /root-filesystem/var/lib/keyferry /var/lib/keyferry
ENV PATH=/usr/local/bin \
    NODE_ENV=production \
    KEYFERRY_CONFIG=/etc/keyferry/keyferry.yaml \
    KEYFERRY_STATE_PATH=/var/lib/keyferry
WORKDIR /app
USER 1000:0
VOLUME /var/lib/keyferry
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["node", "/app/dist/healthcheck.js"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["run"]
