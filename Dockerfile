# One image for the API and the worker; which of them a container is, its command says.
#
# TORCH_INDEX, an index URL, takes torch from there, for instance as CPU-only wheels. Without it torch is the
# default build, which brings CUDA along and is some gigabytes larger.

FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# A fixed uid, so that the files on a volume keep their owner from image to image. An empty volume takes over the
# owner of the folder it is mounted on. No program of the image may give its caller another user's rights.
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin digitforge \
    && install --directory --owner digitforge --group digitforge /data

WORKDIR /srv/digitforge

# From what changes least to what changes most: torch, the other dependencies, the code. Of an index of its own torch
# comes alone, since what it depends on may be there in other versions than ours, or not at all.
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint constraints.txt ${TORCH_INDEX:+--no-deps --index-url "$TORCH_INDEX"} torch

# By their hashes. setuptools too, so that the step after the code needs no network.
COPY requirements/service.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip pip install --require-hashes --requirement requirements/service.txt

# Readable for the service whatever the umask of the checkout, and not its own to change. Editable, because the
# data sets, the embedded model and the Lua scripts are read beside the code.
COPY --chmod=755 . .
RUN pip install --no-deps --no-build-isolation --editable .

ENV DIGITFORGE_DATA_DIR=/data \
    DIGITFORGE_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "app"]
