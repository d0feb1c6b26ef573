"""Values of the model server of this project."""

from typing import Annotated, Literal

from pydantic import Field

from release.chart.base import Name, Values
from release.chart.operator_values import Pod, Resources
from release.chart.specs import ModelServerPart

AccessMode = Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]
MINIMUM = Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "512Mi"})


class Persistence(Values):
    """The volume with the models and tags, where there is no bucket."""

    enabled: bool = True
    """Whether to keep them in a PersistentVolumeClaim, which outlives the release. If not, they go with the pod."""
    existing_claim: str = ""
    """A claim that is there already, in place of one of this release."""
    storage_class: str | None = None
    """StorageClass of the claim; the cluster's default if null."""
    access_modes: tuple[AccessMode, ...] = ("ReadWriteOnce",)
    """Access modes of the claim."""
    size: str = "10Gi"
    """Size of the claim."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the claim."""


class Bucket(Values):
    """An object store for the models and tags, in place of a volume."""

    url: Annotated[str, Field(pattern="^$|^(s3|gs|az)://.+")] = ""
    """Where they are: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`; empty for a volume."""
    credentials_secret: str = ""
    """Secret whose keys become variables: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_SERVICE_ACCOUNT,
    AZURE_STORAGE_ACCOUNT_NAME ...; empty where the pod's ServiceAccount has the right."""


class Tokens(Values):
    """The tokens of the model server."""

    existing_secret: str = ""
    """Secret with `token` (to pull), `apiToken` (to upload and tag) and, with more than one replica, `jwtSecret`. If
    empty they are generated at the first installation and stay, also when the release goes. Where templates are
    rendered without a cluster, as Argo CD does, one must be given: generated ones would be others each time."""


class ModelServerAccount(Values):
    """The ServiceAccount of the model server, for the rights on a bucket."""

    annotations: dict[str, str] = Field(default_factory=dict)
    """Its annotations, for example `eks.amazonaws.com/role-arn`. With any, its token is mounted as clouds need it."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the pods that its cloud asks for, for example `azure.workload.identity/use: "true"`."""


class ModelServer(Pod):
    """The model server of this project, for those without Rasa X."""

    enabled: bool = False
    """Whether it is in this release, with a ModelServer that points to it."""
    name: Name = "default"
    """Name of that ModelServer: the one of those environments and tags of the release that name none."""
    spec: ModelServerPart = Field(default_factory=dict)
    """More of the spec of that ModelServer, for example `accessFrom`."""
    replicas: Annotated[int, Field(ge=1)] = 1
    """How many of it run; more than one needs a bucket."""
    persistence: Persistence = Persistence()
    bucket: Bucket = Bucket()
    tokens: Tokens = Tokens()
    max_model_bytes: Annotated[int, Field(ge=1)] | None = None
    """Largest model file; 4 GiB if null."""
    service_account: ModelServerAccount = ModelServerAccount()
    resources: Resources = MINIMUM
