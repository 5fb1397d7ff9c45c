# syntax=docker/dockerfile:1
# What is built is the same for every processor, so it is built on the one that is there.
FROM --platform=$BUILDPLATFORM node:24-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY bin/node/package.json bin/node/
RUN npm ci
COPY LICENSE ./
COPY test/build.ts test/release.ts test/
COPY src src
COPY jobs jobs
# What stands behind the version, empty for a release; `+local` where nobody says.
ARG CARETAKER_BUILD=local
RUN CARETAKER_BUILD="$CARETAKER_BUILD" node --disable-warning=ExperimentalWarning test/build.ts

FROM --platform=$BUILDPLATFORM node:24-trixie-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY bin/node/package.json bin/node/
# Without optional packages: the image has its own Node, and msgpackr does without its native part.
RUN npm ci --omit=dev --omit=optional

FROM node:24-trixie-slim
# valkey: the queue's store, for those who do not bring their own. openssh-client: what hosts are shut down with, and
# libnss-wrapper so that it works for a user without a name. tini: who waits for children that lost their parent.
# Not pinned: a base image that is rebuilt has newer ones, with their security fixes, and no older ones.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libnss-wrapper openssh-client tini valkey-server \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json ./
COPY bin/caretaker.mjs bin/
# Before /usr/bin on the PATH.
COPY --chmod=755 config/install/container/ssh config/install/container/caretaker-healthy /usr/local/bin/
# A new volume gets the permissions of this folder. Any user may be chosen, so any may write here; what the daemon puts there
# is for its own user alone.
RUN ln -s /app/bin/caretaker.mjs /usr/local/bin/caretaker \
 && install -d -m 1777 /var/lib/caretaker
# By number: an orchestrator that demands a user other than root can see that this is one. It is `node`.
USER 1000:1000
# A small young generation: a daemon that mostly waits needs 20 MB less with it.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=1 CARETAKER_CONFIG=/etc/caretaker/caretaker.yaml
VOLUME /var/lib/caretaker
# Well is a daemon that answers on its control socket.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["caretaker-healthy"]
ENTRYPOINT ["tini", "--", "caretaker"]
CMD ["start"]
