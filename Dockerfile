# One image for web, worker, beat and migrations; the command decides which it is.
FROM python:3.12.15-slim-bookworm@sha256:34386ef0cb081344d7ec1c103ba398e6e9f64e9ab3a1509accc92a4e24a07258

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    LOG_JSON=1

WORKDIR /app

RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin turnkey

# Packages come first: a change of the code then does not install them again.
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt

COPY manage.py gunicorn.conf.py ./
COPY config config
COPY rentals rentals
COPY pins pins

USER turnkey
EXPOSE 8000

# The rest is in gunicorn.conf.py.
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--worker-tmp-dir", "/dev/shm"]
