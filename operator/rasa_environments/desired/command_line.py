"""The command lines of the vendor's pages; Kubernetes expands secret values from the container's variables."""

from __future__ import annotations

from collections.abc import Mapping

from rasa_environments.desired.context import Context
from rasa_environments.desired.secret_variables import JWT_VARIABLE, TOKEN_VARIABLE

METHOD_VARIABLE = "JWT_METHOD"


def run_arguments(context: Context) -> list[str]:
    """Return the arguments of `rasa run` for an open-source server 2.x or 3.x (page of Rasa Enterprise 1.0)."""
    tokens = ["--auth-token", f"$({TOKEN_VARIABLE})"]
    return [
        *_run(context),
        *tokens,
        *cors(context),
        *(jwt(context) if context.spec.jwt is not None else ()),
        *extra(context),
    ]


def rasa_pro_arguments(context: Context) -> list[str]:
    """Return the arguments of `rasa run` for Rasa Pro, which reads its tokens from variables.

    The variables are AUTH_TOKEN, JWT_SECRET and JWT_METHOD (rasa/cli/arguments/run.py of rasa-pro 3.8.16, 3.11.20,
    3.13.25 and 3.21.0).
    """
    return [*_run(context), *cors(context), *extra(context)]


def _run(context: Context) -> list[str]:
    files = ["--endpoints", "endpoints.yml", "--credentials", "credentials.yml"]
    return ["run", "--enable-api", "--port", str(context.port), *files]


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
    return ["--jwt-method", jwt_method(context), "--jwt-secret", f"$({JWT_VARIABLE})"]


def jwt_method(context: Context) -> str:
    """Return the signature algorithm of JSON Web Tokens."""
    return (context.spec.jwt and context.spec.jwt.method) or "HS256"


def jwt_variables(context: Context) -> Mapping[str, str]:
    """Return the variable of Rasa Pro for the signature algorithm, if the spec asks for JSON Web Tokens."""
    return {METHOD_VARIABLE: jwt_method(context)} if context.spec.jwt is not None else {}


def cors(context: Context) -> list[str]:
    """Return the arguments for the origins that browsers may call from, one word each; all by default."""
    return ["--cors", *((context.spec.rasa and context.spec.rasa.cors_origins) or ["*"])]


def extra(context: Context) -> list[str]:
    """Return the additional arguments of the spec."""
    return list((context.spec.rasa and context.spec.rasa.extra_args) or ())
