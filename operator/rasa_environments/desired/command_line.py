"""The command lines of the vendor's pages; Kubernetes expands secret values from the container's variables."""

from __future__ import annotations

from rasa_environments.desired.context import Context
from rasa_environments.desired.secret_variables import JWT_VARIABLE, TOKEN_VARIABLE


def run_arguments(context: Context) -> list[str]:
    """Return the arguments of `rasa run` for an open-source server 2.x or 3.x (page of Rasa Enterprise 1.0)."""
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
    """Return the arguments of `rasa x` as on the pages of Rasa X 0.2x and, with a `config_endpoint`, 0.32."""
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
    """Return the arguments that configure JWT authentication."""
    method = context.spec.jwt.method if context.spec.jwt is not None else None
    return ["--jwt-method", method or "HS256", "--jwt-secret", f"$({JWT_VARIABLE})"]


def cors(context: Context) -> list[str]:
    """Return the arguments for the origins that browsers may call from, one word each; all by default."""
    return ["--cors", *((context.spec.rasa and context.spec.rasa.cors_origins) or ["*"])]


def extra(context: Context) -> list[str]:
    """Return the additional arguments of the spec."""
    return list((context.spec.rasa and context.spec.rasa.extra_args) or ())
