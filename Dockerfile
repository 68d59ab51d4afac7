# The operator's image. Build: docker build -t lessor:0.1.0 .
FROM python:3.13-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir uv hatchling
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY operator operator
COPY crds crds
# The locked set less the tools: a requirement of the package itself, at the version that the lock names.
RUN uv venv /opt/lessor && \
    uv pip install --python /opt/lessor/bin/python --no-cache --constraints requirements.lock ".[uvloop]"

FROM python:3.13-slim
COPY --from=build /opt/lessor /opt/lessor
USER 65532:65532
ENV PATH=/opt/lessor/bin:$PATH PYTHONDONTWRITEBYTECODE=1 LESSOR_LOG_FORMAT=json
ENTRYPOINT ["lessor"]
CMD ["run"]
