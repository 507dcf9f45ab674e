# Scorer and monitor, and nothing of any model. docker-compose.yml shows how it is run.
#
# Its root file system may be read-only: what is written goes to /var/lib/scorer (the last good versions),
# /var/lib/monitor (what the monitor knows) and /tmp.
# The machine code of the kernels is compiled here, for the processor on which the image is built. On another type of
# processor every start says so and compiles anew, which takes half a minute: build the image on the type it is to run
# on, or mount a directory that can be written and set XDG_CACHE_HOME to it.

ARG PYTHON=python:3.13.18-slim-trixie

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY locks/build.txt locks/run.txt locks/
RUN python -m venv tools \
    && tools/bin/pip install --require-hashes --only-binary :all: -r locks/build.txt \
    && python -m venv --without-pip /opt/scorer \
    && python -m pip --python /opt/scorer/bin/python install --require-hashes --only-binary :all: -r locks/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY scorer scorer
COPY monitor monitor
COPY sandbox sandbox
RUN tools/bin/hatchling build --target wheel --directory dist \
    && python -m pip --python /opt/scorer/bin/python install --no-deps --no-index dist/*.whl
RUN XDG_CACHE_HOME=/opt/scorer/cache /opt/scorer/bin/python -W error::RuntimeWarning -c \
        "import scorer.service.worker, monitor.service.loop, monitor.stats.continuous.bernstein, monitor.stats.continuous.betting, monitor.stats.continuous.gate" \
    && chmod -R u=rwX,go=rX /opt/scorer/cache

FROM ${PYTHON}
LABEL org.opencontainers.image.title="scorer-monitor" \
      org.opencontainers.image.description="Scores a Kafka stream exactly once, and keeps the model honest" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 scorer \
    && useradd --uid 10001 --gid scorer --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin scorer \
    && install -d -o scorer -g scorer -m 0750 /var/lib/scorer /var/lib/monitor
COPY --from=build /opt/scorer /opt/scorer
COPY docker/probe.py /opt/scorer/probe.py
ENV PATH=/opt/scorer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/opt/scorer/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    SCORER_HTTP=0.0.0.0:8080 \
    SCORER_STATE_DIRECTORY=/var/lib/scorer \
    MONITOR_STATE_DIRECTORY=/var/lib/monitor
# A settings file scorer.toml here is found by itself; what its paths name lies beside it.
WORKDIR /srv
USER 10001:10001
EXPOSE 8080
# Alive, not ready: what waits for Kafka must not be started again for that.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "/opt/scorer/probe.py", "/health"]
CMD ["scorer", "run"]
