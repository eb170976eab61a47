# One image; what a container does is its command (see compose.yaml).
FROM python:3.13-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements/base.lock /tmp/base.lock
RUN /opt/venv/bin/pip install --require-hashes --no-deps -r /tmp/base.lock

FROM python:3.13-slim-bookworm

RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin backroom
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py ./
COPY config ./config
COPY core ./core
COPY exceptions ./exceptions
COPY inventory ./inventory
COPY orders ./orders
COPY returns ./returns
COPY finance ./finance
COPY integrations ./integrations
COPY templates ./templates
COPY static ./static

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    BACKROOM_ENV=production \
    REMAP_SIGTERM=SIGQUIT \
    STATIC_ROOT=/app/var/static

# Collecting static files reads the settings, never a server: these values go nowhere.
RUN SECRET_KEY=build BACKROOM_SECRETS_KEYS=build ALLOWED_HOSTS=build \
    DATABASE_URL=postgresql://build@build/build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput --verbosity 0

USER 10001
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", "--respawn-failed-workers", "--workers", "2", "--blocking-threads", "4", "config.wsgi:application"]
