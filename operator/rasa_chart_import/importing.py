"""The resources for the values of a release of the chart, and the result for each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_chart_import import connections, free_form, kinds, traffic, workload
from rasa_chart_import.accounting import findings_of
from rasa_chart_import.chart import (
    DEFAULTS,
    LAST_RELEASE,
    Names,
    Release,
    Version,
    full_name,
    profile_of,
    release_of,
    version_of,
)
from rasa_chart_import.environments import Surroundings, environments
from rasa_chart_import.findings import Finding, Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, reference
from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.compose import COMMON_QUEUE
from rasa_environments.desired.entries import present

MODEL_SERVER = "default"


@dataclass(frozen=True)
class HelmRelease:
    """The release of the chart that the values belong to."""

    name: str
    namespace: str
    chart: Version | None = None
    """Version of the chart; None if unknown."""


@dataclass(frozen=True)
class Imported:
    """The result of an import."""

    resources: tuple[JsonObject, ...]
    """A ModelServer and its environments, without any secret value."""
    secrets: SecretValues = field(repr=False)
    findings: tuple[Finding, ...]
    """One for each value of the file, in its order."""
    remarks: tuple[str, ...]
    """Further remarks for the user."""
    assumed: Mapping[Path, Any]
    """Defaults of the chart that went into the resources."""
    names: Names


def imported(values: Mapping[str, Any], helm: HelmRelease) -> Imported:
    """Return the resources for values, and a finding for each of them. No content of a file makes it fail."""
    reader = Reader(values, DEFAULTS)
    chart = helm.chart or version_of(LAST_RELEASE) or ()
    release = release_of(chart)
    names = _names(reader, helm)
    secrets = SecretValues(names)
    profile = _profile(reader, release)
    defaults = _defaults(reader, names, secrets, profile, release if release.chart == chart else Release(chart, ""))
    made = environments(reader, Surroundings(names, profile, chart, (defaults.get("trackerStore") or {}).get("sql")))
    _give_production(reader, made, defaults, profile, chart)
    server = {
        "apiVersion": API_VERSION,
        "kind": "ModelServer",
        "metadata": {"name": MODEL_SERVER, "namespace": names.namespace},
        "spec": _model_server(reader, names, secrets, profile) | ({"defaults": defaults} if defaults else {}),
    }
    findings = findings_of(values, reader)
    return Imported((server, *made), secrets, findings, tuple(reader.remarks), reader.assumed, names)


def _names(reader: Reader, helm: HelmRelease) -> Names:
    override = reader.take("fullnameOverride", kinds.NAME)
    name = reader.take("nameOverride", kinds.NAME)
    secret = reader.take("rasaSecret", kinds.NAME)
    return Names(helm.name, helm.namespace, full_name(helm.name, name, override), secret or f"{helm.name}-rasa")


def _profile(reader: Reader, release: Release) -> Profile:
    """Return the profile by the version of Rasa X in the file, else by the one that the chart installed."""
    tag = reader.take("rasax.tag", kinds.TEXT)
    version = version_of(tag) if tag is not None else None
    if version is None:
        version = version_of(release.rasa_x) or ()
        reader.remarks.append(
            f"the file does not say which version of Rasa X runs: taken for {release.rasa_x}; set --chart-version, or "
            "rasax.tag, where it is another"
        )
        if tag is not None:
            reader.by_hand("rasax.tag", "names no version: check spec.profile of the ModelServer")
    return profile_of(version)


def _model_server(reader: Reader, names: Names, secrets: SecretValues, profile: Profile) -> JsonObject:
    scheme = reader.take("rasax.scheme", kinds.TEXT) or "http"
    port = reader.take("rasax.port", kinds.PORT) or 5002
    made = connections.address(reader, "rasax.scheme", f"{scheme}://{names.service('rasa-x')}:{port}", kinds.URL)
    token = reader.take("rasax.token", kinds.TEXT)
    if reader.given("rasaSecret") is not None:
        for path in ("rasax.token", "rasax.jwtSecret", "rasa.token"):
            reader.unused(path, "rasaSecret names the Secret that the chart reads")
    elif token is not None:
        secrets.keep(names.credentials, "token", token)
    password = reader.take("rasax.initialUser.password", kinds.TEXT)
    if password is not None:
        secrets.keep(names.credentials, "password", password)
        username = reader.take("rasax.initialUser.username", kinds.TEXT)
        secrets.keep(names.credentials, "username", username or "admin")
    return present(
        url=(made or {}).get("url") or f"http://{names.service('rasa-x')}:{port}",
        profile=profile.value,
        credentialsSecretRef={"name": names.credentials},
        authToken=reference(names.secret, "rasaToken"),
    )


def _defaults(reader: Reader, names: Names, secrets: SecretValues, profile: Profile, release: Release) -> JsonObject:
    """Return what the environments share."""
    queue = reader.take("rasa.rabbitQueue", kinds.TEXT) or COMMON_QUEUE
    more = reader.take("rasa.additionalRabbitQueues", kinds.QUEUES) or []
    queues = [queue, *more] if (queue != COMMON_QUEUE or more) and profile is not Profile.RASA_X_0_2 else None
    told_by_rasa_x = profile is Profile.RASA_X_0_32
    tracker_store = connections.tracker_store(reader, names, secrets, with_query=not told_by_rasa_x)
    if told_by_rasa_x:
        for path in (free_form.CHANNELS, free_form.ENDPOINTS, connections.QUERY):
            reader.unused(
                path, f"the servers read it from Rasa X, which has it in {names.release}-rasa-configuration-files"
            )
    return present(
        rasa=workload.rasa(reader, profile, release) or None,
        jwt={"key": reference(names.secret, "jwtSecret")},
        eventBroker=connections.event_broker(reader, names, secrets, queues),
        trackerStore=tracker_store,
        lockStore=connections.lock_store(reader, names, secrets),
        actionEndpoint=connections.action_endpoint(reader, names),
        endpoints=None if told_by_rasa_x else free_form.endpoints(reader, secrets),
        channels=None if told_by_rasa_x else free_form.channels(reader, secrets),
        networkPolicy=traffic.network_policy(reader),
        podTemplate=workload.shared_pod_template(reader, names, secrets) or None,
    )


def _give_production(
    reader: Reader, made: list[JsonObject], defaults: JsonObject, profile: Profile, chart: Version
) -> None:
    """Set what production alone has: the queue that Rasa X 0.2x reads, and the Ingress for the channels."""
    production = next((each for each in made if "external" not in each["spec"]), None)
    broker = defaults.get("eventBroker")
    if broker is not None and profile is Profile.RASA_X_0_2 and production is not None:
        queue = reader.take("rasa.rabbitQueue", kinds.TEXT) or COMMON_QUEUE
        queues = [queue, *(reader.take("rasa.additionalRabbitQueues", kinds.QUEUES) or [])]
        production["spec"]["eventBroker"] = {"rabbitmq": {"queues": queues}}
        name = production["metadata"]["name"]
        for path in ("rasa.rabbitQueue", "rasa.additionalRabbitQueues"):
            reader.mapped(
                path, f"DeploymentEnvironment {name}: spec.eventBroker.rabbitmq.queues; others have their own"
            )
    ingress = traffic.ingress(reader, chart, there=production is not None)
    if ingress is not None and production is not None:
        production["spec"]["ingress"] = ingress
        reader.remarks.append(
            "production has the Ingress of the chart, for the same host: apply it without spec.ingress until the "
            "chart's is gone (step 5 of docs/how-to/migrate-from-rasa-x-helm.md)"
        )
