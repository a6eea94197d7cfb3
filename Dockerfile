# Two stages: the build tools are not in the image. Every Python package is checked by its hash. The base image is what its
# tag names on the day of the build: for the same image every time, write its digest after the tag (python:…@sha256:…).
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/build.txt requirements/server.txt requirements/
RUN python -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-cache-dir --require-hashes --requirement requirements/build.txt \
    && python -m venv /opt/kiwisms \
    && /opt/kiwisms/bin/pip install --no-cache-dir --require-hashes --requirement requirements/server.txt
COPY pyproject.toml README.md LICENSE ./
COPY kiwisms kiwisms
RUN /opt/tools/bin/hatchling build --target wheel \
    && /opt/kiwisms/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /var/lib/kiwisms kiwisms
COPY --from=build /opt/kiwisms /opt/kiwisms
ENV PATH=/opt/kiwisms/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    KIWISMS_HOST=0.0.0.0
# A number, as Kubernetes refuses a name where runAsNonRoot is asked for.
USER 10001
WORKDIR /var/lib/kiwisms
EXPOSE 8080
# SIGTERM, which `docker stop` sends, drains: give it more time than the slowest upstream answer takes.
ENTRYPOINT ["kiwisms"]
CMD ["serve"]
