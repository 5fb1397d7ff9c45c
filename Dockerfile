# syntax=docker/dockerfile:1
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY bin/node/package.json bin/node/
RUN npm ci
COPY LICENSE ./
COPY test/build.ts test/
COPY src src
COPY jobs jobs
RUN node --disable-warning=ExperimentalWarning test/build.ts

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY bin/node/package.json bin/node/
# Without optional packages: the image has its own Node, and msgpackr does without its native part.
RUN npm ci --omit=dev --omit=optional

FROM node:24-slim
# The queue's store, for those who do not bring their own: an agent with a queue.url does not start it. And what hosts
# are shut down with.
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server openssh-client \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json ./
COPY bin/caretaker.mjs bin/
# A new volume gets the permissions of this folder. Any user may be chosen, so any may write here; what the daemon puts there
# is for its own user alone.
RUN ln -s /app/bin/caretaker.mjs /usr/local/bin/caretaker \
 && install -d -m 1777 /var/lib/caretaker
USER node
# A small young generation: a daemon that mostly waits needs 20 MB less with it.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=1 CARETAKER_CONFIG=/etc/caretaker/caretaker.yaml
VOLUME /var/lib/caretaker
# Well is a daemon that answers on its control socket.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["caretaker", "jobs"]
ENTRYPOINT ["caretaker"]
CMD ["start"]
