"""Values for the model server of this project."""

from typing import Annotated, Literal

from pydantic import Field

from release.chart.base import Name, Values
from release.chart.operator_values import Pod, Resources
from release.chart.specs import ModelServerPart

AccessMode = Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]
MINIMUM = Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "512Mi"})


class Persistence(Values):
    """Volume for models and tags, unless they are in a bucket."""

    enabled: bool = True
    """Whether to keep them in a PersistentVolumeClaim, which outlives the release. If not, they are lost with the
    pod."""
    existing_claim: str = ""
    """Existing claim to use instead of creating one."""
    storage_class: str | None = None
    """StorageClass of the claim; the cluster's default if null."""
    access_modes: tuple[AccessMode, ...] = ("ReadWriteOnce",)
    """Access modes of the claim."""
    size: str = "10Gi"
    """Size of the claim."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the claim."""


class Bucket(Values):
    """Object store for models and tags, instead of a volume."""

    url: Annotated[str, Field(pattern="^$|^(s3|gs|az)://.+")] = ""
    """URL of the bucket: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`; empty for a volume."""
    credentials_secret: str = ""
    """Secret whose keys become variables: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_SERVICE_ACCOUNT,
    AZURE_STORAGE_ACCOUNT_NAME ...; empty if the pod's ServiceAccount grants access."""
    adopt: bool = False
    """Whether to serve the `*.tar.gz` files that others write there. They are never written or deleted; tags and
    uploaded models are kept below `.rasa-model-server` beside them."""
    redirect: bool = False
    """Whether to send pulls of these files to a signed URL of the bucket, which Rasa servers must then reach."""


class Tokens(Values):
    """Tokens of the model server."""

    existing_secret: str = ""
    """Secret with `token` (to pull), `apiToken` (to upload and tag) and, with more than one replica, `jwtSecret`. If
    empty, they are generated at the first installation and kept, even after the release is uninstalled. It is
    required if templates are rendered without a cluster, as Argo CD does: generated tokens would change each time."""


class ModelServerAccount(Values):
    """ServiceAccount of the model server, for access to a bucket."""

    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations, for example `eks.amazonaws.com/role-arn`. With any, its token is mounted, as clouds require."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Pod labels that the cloud requires, for example `azure.workload.identity/use: "true"`."""


class Retention(Values):
    """Deletion of old models. A model that has a tag, and the last 20 that each tag had before, always stay."""

    models: Annotated[int, Field(ge=1)] | None = None
    """How many of the models that were last uploaded or tagged stay; null does not limit them."""
    days: Annotated[int, Field(ge=1, le=36500)] | None = None
    """For how many days models stay that were last uploaded or tagged; null does not limit them. With both limits, a
    model is deleted once it exceeds both."""
    dry_run: bool = False
    """Whether to only name in the log what would be deleted."""


class ModelServer(Pod):
    """Model server of this project, for installations without Rasa X."""

    enabled: bool = False
    """Whether to install it, with a ModelServer that refers to it."""
    name: Name = "default"
    """Name of that ModelServer, which environments and tags of the release use by default."""
    spec: ModelServerPart = Field(default_factory=dict)
    """Further fields of that ModelServer's spec, for example `accessFrom`."""
    replicas: Annotated[int, Field(ge=1)] = 1
    """Number of replicas; more than one needs a bucket."""
    persistence: Persistence = Persistence()
    bucket: Bucket = Bucket()
    tokens: Tokens = Tokens()
    max_model_bytes: Annotated[int, Field(ge=1)] | None = None
    """Maximum size of a model file in bytes; 4 GiB if null."""
    retention: Retention = Retention()
    service_account: ModelServerAccount = ModelServerAccount()
    resources: Resources = MINIMUM
