"""The resources for the values of a release of the chart rasa-x."""

from __future__ import annotations

from rasa_chart_import import free_form, kinds
from rasa_chart_import.chart_facts import Version, version_of
from rasa_chart_import.names import Names, taken_full_name
from rasa_chart_import.rasa_x import connections, traffic, workload
from rasa_chart_import.rasa_x.chart import (
    ASSUMED_RELEASE,
    CHANNELS,
    DEFAULTS,
    ENDPOINTS,
    FACTS,
    HARMLESS,
    MARKERS,
    profile_of,
)
from rasa_chart_import.rasa_x.environments import Surroundings, creates_databases, environments
from rasa_chart_import.rasa_x.mapping import TABLE
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, reference
from rasa_chart_import.sources import HelmRelease, Made, Source, SourceName
from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.compose import COMMON_QUEUE
from rasa_environments.desired.entries import present

MODEL_SERVER = "default"


def make(reader: Reader, helm: HelmRelease) -> Made:
    """Return the resources for the values of a release."""
    chart = helm.chart or ASSUMED_RELEASE
    names = _names(reader, helm)
    secrets = SecretValues(names)
    profile = _profile(reader, chart)
    defaults = _defaults(reader, names, secrets, profile, chart)
    made = environments(reader, Surroundings(names, profile, chart, (defaults.get("trackerStore") or {}).get("sql")))
    _give_production(reader, made, defaults, profile)
    server = {
        "apiVersion": API_VERSION,
        "kind": "ModelServer",
        "metadata": {"name": MODEL_SERVER, "namespace": names.namespace},
        "spec": _model_server(reader, names, secrets, profile) | ({"defaults": defaults} if defaults else {}),
    }
    return Made((server, *made), secrets, names, ("token", "username", "password"))


def _names(reader: Reader, helm: HelmRelease) -> Names:
    secret = reader.take("rasaSecret", kinds.NAME)
    whole = taken_full_name(reader, helm.name, "rasa-x")
    return Names(helm.name, helm.namespace, whole, secret or f"{helm.name}-rasa", "rasaXToken")


def _profile(reader: Reader, chart: Version) -> Profile:
    """Return the profile by the version of Rasa X in the file, else by the one that the chart installed."""
    tag = reader.take("rasax.tag", kinds.TEXT)
    version = version_of(tag) if tag is not None else None
    if version is None:
        installed = FACTS.application(chart) or ""
        version = version_of(installed) or ()
        reader.remarks.append(
            f"the file does not say which version of Rasa X runs: this release of the chart installs {installed}; set "
            "--chart-version, or rasax.tag, where it is another"
        )
        if tag is not None:
            reader.by_hand("rasax.tag", "names no version: check spec.profile of the ModelServer")
    return profile_of(version)


def _model_server(reader: Reader, names: Names, secrets: SecretValues, profile: Profile) -> JsonObject:
    scheme = reader.take("rasax.scheme", kinds.TEXT) or "http"
    port = reader.take("rasax.port", kinds.PORT) or 5002
    url = f"{scheme}://{names.service('rasa-x')}:{port}"
    made = connections.address(reader, ("rasax.scheme", "rasax.port"), url, kinds.URL)
    token = reader.take("rasax.token", kinds.TEXT)
    if reader.given("rasaSecret") is not None:
        for path in ("rasax.token", "rasax.jwtSecret", "rasa.token"):
            reader.unused(path, "rasaSecret names the Secret that the chart reads")
    elif token is not None:
        secrets.keep(names.credentials, "token", token)
    if reader.given("rasaSecret") is None:
        reader.referred("rasa.token", names.secret, "rasaToken")
        reader.referred("rasax.jwtSecret", names.secret, "jwtSecret")
    password = reader.take("rasax.initialUser.password", kinds.TEXT)
    if password is not None:
        secrets.keep(names.credentials, "password", password)
        username = reader.take("rasax.initialUser.username", kinds.TEXT)
        secrets.keep(names.credentials, "username", username or "admin")
    else:
        reader.unused("rasax.initialUser.username", "no password of that user is carried over")
    return present(
        url=(made or {}).get("url") or f"http://{names.service('rasa-x')}:{port}",
        profile=profile.value,
        credentialsSecretRef={"name": names.credentials},
        authToken=reference(names.secret, "rasaToken"),
    )


def _defaults(reader: Reader, names: Names, secrets: SecretValues, profile: Profile, chart: Version) -> JsonObject:
    """Return what the environments share."""
    queue = reader.take("rasa.rabbitQueue", kinds.TEXT) or COMMON_QUEUE
    more = reader.take("rasa.additionalRabbitQueues", kinds.QUEUES) or []
    queues = [queue, *more] if (queue != COMMON_QUEUE or more) and profile is not Profile.RASA_X_0_2 else None
    told_by_rasa_x = profile is Profile.RASA_X_0_32
    creates = creates_databases(reader)
    tracker_store = connections.tracker_store(
        reader, names, secrets, chart, with_query=not told_by_rasa_x, creates=creates
    )
    if told_by_rasa_x:
        for path in (CHANNELS, ENDPOINTS, connections.QUERY):
            reader.unused(
                path, f"the servers read it from Rasa X, which has it in {names.release}-rasa-configuration-files"
            )
    broker = connections.event_broker(reader, names, secrets, chart, queues)
    entries = None if told_by_rasa_x else free_form.endpoints(reader, secrets, ENDPOINTS)
    if broker is not None and not told_by_rasa_x:
        release = workload.release(reader)
        described = connections.free_form_broker(reader, secrets, broker["rabbitmq"], release, [queue, *more])
        if described is not None:
            broker, entries = None, {**(entries or {}), "event_broker": described}
    return present(
        rasa=workload.rasa(reader, profile) or None,
        jwt={"key": reference(names.secret, "jwtSecret")},
        eventBroker=broker,
        trackerStore=tracker_store,
        lockStore=connections.lock_store(reader, names, secrets, chart),
        actionEndpoint=connections.action_endpoint(reader, names),
        endpoints=entries,
        channels=None if told_by_rasa_x else free_form.channels(reader, secrets, CHANNELS),
        service=workload.shared_service(reader),
        networkPolicy=traffic.network_policy(reader),
        podTemplate=workload.shared_pod_template(reader, names, secrets) or None,
    )


def _give_production(reader: Reader, made: list[JsonObject], defaults: JsonObject, profile: Profile) -> None:
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
    ingress = traffic.ingress(reader, there=production is not None)
    if ingress is not None and production is not None:
        production["spec"]["ingress"] = ingress
        reader.remarks.append(
            "production has the Ingress of the chart, for the same host: apply it without spec.ingress until the "
            "chart's is gone (step 5 of docs/how-to/migrate-from-rasa-x-helm.md)"
        )


SOURCE = Source(
    name=SourceName.RASA_X,
    title="the Helm chart rasa-x (RasaHQ/rasa-x-helm)",
    table=TABLE,
    make=make,
    markers=MARKERS,
    facts=FACTS,
    assumed_release=ASSUMED_RELEASE,
    assumed=DEFAULTS,
    harmless=HARMLESS,
    free_form=(CHANNELS, ENDPOINTS),
    texts=(CHANNELS,),
)
