# SeaweedFS, an object store that answers S3, as one small server: for trying out docker-compose.many.yml.
FROM python:3.11-slim-bookworm
RUN useradd --uid 10002 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin store \
    && install --directory --owner store --group store /data
COPY store.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 pip install --require-hashes --requirement store.txt
USER 10002:10002
WORKDIR /data
EXPOSE 8333
