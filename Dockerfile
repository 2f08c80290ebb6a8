# Nothing here needs BuildKit. Run it with a configuration at /etc/keyferry/keyferry.yaml and a volume at
# /var/lib/keyferry: docker run -v ./keyferry.yaml:/etc/keyferry/keyferry.yaml -v keyferry:/var/lib/keyferry keyferry
FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM dependencies AS build
# Compiling needs types and tools only: no package has to prepare itself for that.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM node:26-slim
ENV NODE_ENV=production \
    KEYFERRY_CONFIG=/etc/keyferry/keyferry.yaml \
    KEYFERRY_STATE_PATH=/var/lib/keyferry
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY config/keyferry.yaml /etc/keyferry/keyferry.yaml
COPY --from=build /app/dist dist
RUN mkdir -p /var/lib/keyferry && chown node:node /var/lib/keyferry
USER node
VOLUME /var/lib/keyferry
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.KEYFERRY_HTTP_PORT ?? 8080}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["run"]
