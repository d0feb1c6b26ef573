"""The command lines of the vendor's pages; Kubernetes puts the secret values in from the container's variables."""

from __future__ import annotations

from rasa_environments.desired.context import Context
from rasa_environments.desired.secret_variables import JWT_VARIABLE, TOKEN_VARIABLE


def run_arguments(context: Context) -> list[str]:
    """`rasa run` with the HTTP API: what an open-source server of 2.x and 3.x takes (page of Rasa Enterprise 1.0)."""
    arguments = [
        "run",
        "--enable-api",
        "--port",
        str(context.port),
        "--endpoints",
        "endpoints.yml",
        "--credentials",
        "credentials.yml",
        "--auth-token",
        f"$({TOKEN_VARIABLE})",
        *cors(context),
    ]
    return [*arguments, *(jwt(context) if context.spec.jwt is not None else ()), *extra(context)]


def x_arguments(context: Context, config_endpoint: str | None = None) -> list[str]:
    """`rasa x`, in the order of the pages of Rasa X 0.2x and, with a `config_endpoint`, 0.32."""
    return [
        "x",
        "--no-prompt",
        "--production",
        *(["--config-endpoint", config_endpoint] if config_endpoint else []),
        "--port",
        str(context.port),
        *jwt(context),
        "--auth-token",
        f"$({TOKEN_VARIABLE})",
        *cors(context),
        *extra(context),
    ]


def jwt(context: Context) -> list[str]:
    """How a JWT is checked."""
    method = context.spec.jwt.method if context.spec.jwt is not None else None
    return ["--jwt-method", method or "HS256", "--jwt-secret", f"$({JWT_VARIABLE})"]


def cors(context: Context) -> list[str]:
    """Origins that browsers may call from, each as a word of its own; default all."""
    return ["--cors", *((context.spec.rasa and context.spec.rasa.cors_origins) or ["*"])]


def extra(context: Context) -> list[str]:
    """What the spec adds."""
    return list((context.spec.rasa and context.spec.rasa.extra_args) or ())
