"""Real RabbitMQ, PostgreSQL, Redis and an S3 store for tests, each a private process on a free port of 127.0.0.1."""

from local.services.postgresql import PostgreSql, running_postgresql
from local.services.programs import ServiceUnavailableError, find_programs
from local.services.rabbitmq import RabbitMq, running_rabbitmq
from local.services.redis import Redis, RedisRefusedError, running_redis
from local.services.s3 import S3, running_s3
from local.services.tls import Tls, TlsFiles

__all__ = [
    "S3",
    "PostgreSql",
    "RabbitMq",
    "Redis",
    "RedisRefusedError",
    "ServiceUnavailableError",
    "Tls",
    "TlsFiles",
    "find_programs",
    "running_postgresql",
    "running_rabbitmq",
    "running_redis",
    "running_s3",
]
