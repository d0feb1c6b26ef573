"""Buckets of a real S3 store, with models that nobody uploaded through a model server."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import obstore
from obstore.store import S3Store

from local.models import models_of
from local.rasa import RELEASES
from local.services import S3


@dataclass(frozen=True)
class BucketOfTeam:
    """A bucket with models of one release."""

    url: str
    etags: dict[str, str]
    """Of each model, as the store tells them."""


def bucket_of_team(s3: S3, release: str) -> BucketOfTeam:
    """Write the sample models of the release into a bucket of its own, as a pipeline does."""
    name = f"team-{uuid.uuid4().hex}"
    (s3.directory / name).mkdir()
    store = S3Store(
        name,
        prefix="bots",
        endpoint=s3.variables["AWS_ENDPOINT"],
        access_key_id=s3.variables["AWS_ACCESS_KEY_ID"],
        secret_access_key=s3.variables["AWS_SECRET_ACCESS_KEY"],
        region=s3.variables["AWS_REGION"],
        client_options={"allow_http": True},
    )
    etags = {
        file.name.removesuffix(".tar.gz"): str(obstore.put(store, file.name, file)["e_tag"])
        for file in models_of(RELEASES[release]).glob("*.tar.gz")
    }
    return BucketOfTeam(f"s3://{name}/bots", etags)
