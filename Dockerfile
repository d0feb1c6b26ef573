# One image for the operator (the default) and for the model server (its command is rasa-model-server): Debian's Python,
# the project and what it needs. In it are no shell, no package manager, and no place but /tmp that its user may write.
#
# Behind a mirror or a proxy, apt's and pip's settings and the certificates to trust come as secrets, which stay outside:
#   docker build --secret id=apt,src=apt.conf --secret id=pip,src=pip.conf --secret id=certificates,src=ca.pem .
# (as file of certificates, these settings name /run/secrets/certificates).
FROM debian:bookworm-20260824-slim@sha256:88200866dfff7ea7f5cbcb6ec7c8a701889efe6fe859fe64d6990e4b07ea4171 AS build

# The packages of the image are unpacked, without the shell and the programs that installing them takes.
# status.d is where scanners for known vulnerabilities look for the packages of an image that has no dpkg.
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/99-secret \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    apt-get update --quiet \
 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends binutils ca-certificates \
      python3.11-venv \
 && mkdir --parents /packages /image/var/lib/dpkg/status.d \
 && cd /packages \
 && apt-get download --quiet base-files libbz2-1.0 libc6 libcrypt1 libexpat1 libffi8 libgcc-s1 liblzma5 libssl3 libuuid1 \
      libpython3.11-minimal libpython3.11-stdlib media-types python3.11-minimal zlib1g \
 && for package in *.deb; do \
      dpkg-deb --extract "$package" /image \
      && dpkg-deb --field "$package" > "/image/var/lib/dpkg/status.d/${package%%_*}" || exit 1; \
    done

WORKDIR /source
COPY requirements-build.lock requirements-runtime.lock ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    python3.11 -m venv /build \
 && python3.11 -m venv --without-pip /venv \
 && /build/bin/pip install --quiet --no-cache-dir --require-hashes --requirement requirements-build.lock \
 && /build/bin/pip --python /venv/bin/python install --quiet --no-cache-dir --no-compile --only-binary :all: \
      --require-hashes --requirement requirements-runtime.lock

COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /build/bin/pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
 && /build/bin/pip --python /venv/bin/python install --quiet --no-deps --no-compile --no-index --find-links /wheels \
      rasa-environments

# Of the library for Kubernetes, this project uses the connection and its configuration, and none of the classes for each
# kind of object and group, which would be half of the image. gconv is for character sets that Python converts itself.
# uvloop comes with the symbols for debugging it, which are seven eighths of it.
# Bytecode is never compared with its source, as the times of files are those of their layer.
RUN cd /venv/lib/python3.11/site-packages \
 && rm -r kubernetes/client/api kubernetes/aio/client/api \
 && find kubernetes/client/models kubernetes/aio/client/models -name '*.py' ! -name __init__.py -delete \
 && find . -type d -name tests -prune -exec rm -r {} + \
 && strip --strip-unneeded uvloop/*.so \
 && rm /venv/bin/*ctivate* \
 && cd /image \
 && rm -r usr/lib/*-linux-gnu/gconv usr/lib/python3.11/test usr/share/lintian usr/share/man \
      var/local var/lock var/tmp \
 && cp --parents /etc/ssl/certs/ca-certificates.crt . \
 && mkdir --parents usr/lib/ssl && ln -s /etc/ssl/certs/ca-certificates.crt usr/lib/ssl/cert.pem \
 && echo 'passwd: files\ngroup: files\nhosts: files dns' > etc/nsswitch.conf \
 && echo 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin' > etc/passwd \
 && echo 'root:x:0:\nnonroot:x:65532:' > etc/group \
 && mkdir licenses && cp /source/LICENSE licenses/ \
 && PYTHONHASHSEED=0 python3.11 -m compileall -q -f --invalidation-mode unchecked-hash /venv/lib \
 && PYTHONHASHSEED=0 python3.11 -m compileall -q -f --invalidation-mode unchecked-hash -s /image -p / usr/lib/python3.11

FROM scratch
COPY --from=build /image /
COPY --from=build /venv /venv
ENV PATH=/venv/bin:/usr/bin \
    PYTHONUNBUFFERED=1
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="rasa-environments" \
      org.opencontainers.image.description="A Kubernetes operator for Rasa deployment environments, and a model server" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
USER 65532:65532
EXPOSE 8080 5002
ENTRYPOINT ["rasa-environments"]
CMD ["run"]
