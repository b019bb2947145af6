# The platform's one image: web, worker, beat, agent and the one-time set-up are commands of it (docker-compose.yml).
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements.txt requirements.lock ./
RUN /opt/venv/bin/pip install -r requirements.txt \
    && /opt/venv/bin/python -m pip uninstall --yes pip setuptools \
    && find /opt/venv -name '*.pyi' -delete

FROM python:${PYTHON}
# Writes only under /data (a volume) and /tmp (memory): the rest may be mounted read-only.
RUN groupadd --gid 10001 platform \
    && useradd --uid 10001 --gid platform --home-dir /data --no-create-home --shell /usr/sbin/nologin platform \
    && install --directory --owner platform --group platform --mode 0750 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py ./
COPY accounts accounts
COPY jobs jobs
COPY jobs_platform jobs_platform
COPY locale locale
COPY static static
COPY templates templates
RUN /opt/venv/bin/python -m compileall -q accounts jobs jobs_platform
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 \
    DATA_DIR=/data HOST=0.0.0.0 PORT=8080 PRODUCTION=1
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "web"]
