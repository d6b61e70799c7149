# The gateway as an image: its own code, what it depends on, and Node; no build tools, no root.
# Pin the base by digest too where you build: --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && find dist -name '*.map' -delete

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="ror-gateway" \
  org.opencontainers.image.description="Gateway in front of the national ROR: mutual TLS, whitelist, establishments of writes" \
  org.opencontainers.image.documentation="docs/how-to/deploy.md" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.created="${CREATED}"
ENV NODE_ENV=production
WORKDIR /opt/ror-gateway
COPY --from=dependencies /dependencies/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json ./
# a number, so that `runAsNonRoot` can be checked; nothing above belongs to it
USER 10001:10001
EXPOSE 8443 8444 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "/opt/ror-gateway/dist/cli/bin.js", "health", "--config", "/etc/ror-gateway/gateway.yaml"]
# the collector would mark a heap this small again and again: a third of the CPU
ENTRYPOINT ["node", "--initial-old-space-size=256", "/opt/ror-gateway/dist/cli/bin.js"]
CMD ["serve", "--config", "/etc/ror-gateway/gateway.yaml"]
