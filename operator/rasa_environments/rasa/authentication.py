"""Credentials of requests to a model server, and the JWT of a login."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pydantic import BaseModel, TypeAdapter

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import decoded, error_for, refusal, status_and_reason, words
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import (
    LoginNotPassedOnError,
    NoRegistrationCredentialsError,
    NoWriteCredentialsError,
    ServiceProxyError,
    WriteCredentialsRejectedError,
)
from rasa_environments.rasa.on_the_way import is_of_api_server
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.transport import Answer, HttpClient, Request, ask

HEADERS = {"token": "X-Rasa-Token", "api_token": "X-Rasa-Api-Token"}
"""The headers that this project's model server takes in place of a query (rasa_model_server/authentication.py)."""


class LoginAnswer(BaseModel):
    """The response to `POST /api/auth`."""

    access_token: str


LOGIN_ANSWER = TypeAdapter(LoginAnswer)


class Authenticator:
    """Sends requests with matching credentials; logs in once if necessary, and again when the JWT has expired."""

    def __init__(
        self,
        http: HttpClient,
        address: ModelServerAddress,
        credentials: Credentials,
        *,
        through_api_server: bool = False,
    ) -> None:
        self._http = http
        self._address = address
        self._credentials = credentials
        self._through_api_server = through_api_server
        self._jwt: str | None = None
        self._login_lock = asyncio.Lock()

    async def pull(self, request: Request) -> Answer:
        """Send the request as a Rasa server pulls: with the service token as `?token=`, or without."""
        token = self._credentials.token
        return await self._with_token(request, "token", token) if token else await self._ask(request)

    async def write(self, request: Request) -> Answer:
        """Send the request with an API token or a user's JWT. Raises NoWriteCredentialsError without either."""
        if self._credentials.api_token:
            return await self._with_token(request, "api_token", self._credentials.api_token)
        self.require_write_credentials()
        return await self._logged_in(request)

    async def register(self, request: Request) -> Answer:
        """Send the request with a user's JWT, which the registry of environments requires, or else with the API token.

        Raises NoWriteCredentialsError without either.
        """
        if self._credentials.has_login:
            return await self._logged_in(request)
        if self._credentials.api_token:
            return await self._with_token(request, "api_token", self._credentials.api_token)
        raise NoRegistrationCredentialsError(
            Peer.MODEL_SERVER, self._address.url, "registers no environments without credentials"
        )

    async def _with_token(self, request: Request, name: str, token: str) -> Answer:
        """Send the token as Rasa X wants it: in the query; through the API server, which logs queries, as a header."""
        if self._through_api_server:
            return await self._ask(request, headers={HEADERS[name]: token})
        return await self._ask(request, query={name: token})

    async def _ask(
        self, request: Request, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        answer = await ask(self._http, Peer.MODEL_SERVER, self._guarded(request, query, headers))
        if self._through_api_server and is_of_api_server(answer):
            problem = f"is not reached: the Kubernetes API server answers {status_and_reason(answer)} in its place"
            raise error_for(answer, ServiceProxyError, problem, detail=words(answer))
        return answer

    async def _logged_in(self, request: Request) -> Answer:
        """Send the request with a user's JWT, and once more with a new one if it is rejected."""
        jwt = await self._log_in(refused=None)
        answer = await self._with_jwt(request, jwt)
        if answer.status == 401 and request.content is None:
            answer = await self._with_jwt(request, await self._log_in(refused=jwt))
        return answer

    def require_write_credentials(self) -> None:
        """Check that there are credentials for writing. Raises NoWriteCredentialsError."""
        if self._through_api_server and not self._credentials.api_token:
            raise LoginNotPassedOnError(
                Peer.MODEL_SERVER,
                self._address.url,
                "takes no login through the API server, which keeps the header of a login for itself",
            )
        if not self._credentials.can_write:
            raise NoWriteCredentialsError(
                Peer.MODEL_SERVER, self._address.url, "takes no tags or models without credentials"
            )

    async def _with_jwt(self, request: Request, jwt: str) -> Answer:
        guarded = self._guarded(request, headers={"Authorization": f"Bearer {jwt}"})
        return await ask(self._http, Peer.MODEL_SERVER, replace(guarded, secrets=(*guarded.secrets, jwt)))

    async def _log_in(self, refused: str | None) -> str:
        """Return the JWT of a login, shared by all requests; a new one if the last was `refused`."""
        async with self._login_lock:
            if self._jwt is None or self._jwt == refused:
                self._jwt = await self._new_jwt()
            return self._jwt

    async def _new_jwt(self) -> str:
        login = Request(
            "POST",
            self._address.login_url,
            json={"username": self._credentials.username, "password": self._credentials.password},
        )
        answer = await self._ask(login)
        if answer.status != 200:
            raise refusal(answer, "the login", WriteCredentialsRejectedError)
        return decoded(answer, LOGIN_ANSWER, "a login's answer").access_token

    def _guarded(
        self, request: Request, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Request:
        """Return the request with credentials, all of which are marked as secrets."""
        return replace(
            request,
            query={**request.query, **(query or {})},
            headers={**request.headers, **(headers or {})},
            secrets=(*request.secrets, *self._credentials.secrets),
        )
