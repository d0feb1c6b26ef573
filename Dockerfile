# One image for the operator (the default) and the model server (--entrypoint rasa-model-server).
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY operator operator
# The lock holds what development needs as well: as constraints, it decides on versions alone.
RUN sed -e '/--hash=/d' -e 's/ *\\$//' requirements.lock > /constraints.txt \
 && python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --constraint /constraints.txt .

FROM python:3.11-slim
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080 5002
ENTRYPOINT ["rasa-environments"]
CMD ["run"]
