# One image for all processes of Onceflow: the command says which one it is.

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/onceflow
COPY deploy/requirements.lock ./
RUN /opt/onceflow/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY api api
COPY client client
COPY engine engine
COPY examples examples
COPY relay relay
COPY sql sql
COPY worker worker
RUN /opt/onceflow/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
# The folders are made here so that the volumes mounted on them belong to this user.
RUN useradd --system --uid 10001 --home-dir /var/lib/onceflow onceflow \
 && install -d -o onceflow -g onceflow /var/lib/onceflow /var/lib/onceflow/mail \
      /var/lib/onceflow/pdf /var/lib/onceflow/shop
COPY --from=build /opt/onceflow /opt/onceflow
COPY deploy/healthcheck.py /opt/onceflow/healthcheck.py
ENV PATH=/opt/onceflow/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER onceflow
WORKDIR /var/lib/onceflow
EXPOSE 3000 9400
CMD ["onceflow", "--help"]
