"""A backup: a directory with a file for each object and model, and a manifest that names them with their checksums.

The manifest is written last, so a directory without one holds an unfinished backup. No path is read from it: where a
file is follows from a name that is checked. A link, and a file of another size or content, is refused before anything
is restored.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rasa_environments.api.base import API_VERSION, DnsLabel, JsonObject, ObjectName
from rasa_environments.api.kinds import MODELS as MODELS_OF_KINDS
from rasa_environments.api.kinds import InvalidObjectError, parse
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError
from rasa_environments.cli.unknown_fields import unknown_fields
from rasa_environments.rasa.listing import HASH, LONGEST_TAG, MODEL_SUFFIX, is_name

FORMAT: Final = "rasa-environments.io/backup-1"
MANIFEST: Final = "backup.json"
OBJECTS: Final = "objects"
MODELS: Final = "models"
UNFINISHED: Final = ".part"
MAXIMUM_MANIFEST: Final = 16 * 1024**2
"""Maximum bytes of the manifest: 10,000 models with some tags have about 3 MB."""
MAXIMUM_OBJECT: Final = 512 * 1024
"""Maximum bytes of the file of an object."""
CHUNK: Final = 1024**2


def _file_name(text: str) -> str:
    if not is_name(text) or "\\" in text or len(f"{text}{MODEL_SUFFIX}{UNFINISHED}".encode()) > 255:
        raise ValueError("is no name of a model that a file can have")
    return text


def _tag(text: str) -> str:
    if not is_name(text) or len(text) > LONGEST_TAG:
        raise ValueError("is no tag")
    return text


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
ModelFileName = Annotated[str, AfterValidator(_file_name)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SavedObject(_Part):
    """An object in the backup."""

    kind: Literal["ModelServer", "ModelTag", "DeploymentEnvironment"]
    name: ObjectName
    sha256: Sha256


class SavedModel(_Part):
    """A model in the backup, with the tags that it had. `size` is bytes."""

    name: ModelFileName
    hash: Annotated[str, Field(pattern=f"^{HASH.pattern}$")]
    """As the model server reported it."""
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256
    tags: Annotated[list[Annotated[str, AfterValidator(_tag)]], Field(max_length=1024)]


class NeededObject(_Part):
    """An object that is not in the backup, and that objects in it refer to."""

    kind: Literal["Secret", "ConfigMap"]
    name: Annotated[str, Field(max_length=253)]


class Manifest(_Part):
    """What a backup holds."""

    format: Literal["rasa-environments.io/backup-1"]
    created: Annotated[str, Field(max_length=64)]
    """When it was finished (RFC 3339, UTC)."""
    namespace: DnsLabel
    model_server: ObjectName | None
    """The ModelServer that the models are of; None without models."""
    objects: Annotated[list[SavedObject], Field(max_length=10_000)]
    models: Annotated[list[SavedModel], Field(max_length=10_000)]
    needed: Annotated[list[NeededObject], Field(max_length=10_000)]


class _Loader(yaml.SafeLoader):
    """Reads YAML without aliases, by which a small file could stand for a large object."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("has an alias")
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - as in the base class
        return True


@contextlib.contextmanager
def file_errors(directory: Path) -> Iterator[None]:
    """Turn errors of the file system in the block into CommandError."""
    try:
        yield
    except OSError as error:
        problem = f"{error.filename or directory}: {error.strerror or error}"
        raise CommandError(f"{problem}; check the path, and the space on the disk") from None


@dataclass(frozen=True)
class BackupDirectory:
    """The directory of one backup."""

    path: Path

    def begin(self) -> None:
        """Create the directory, for this user alone, or go on with one that holds an unfinished backup.

        Raises CommandError if it holds anything else.
        """
        for folder in (self.path, self.path / OBJECTS, self.path / MODELS):
            folder.mkdir(mode=0o700, parents=folder == self.path, exist_ok=True)
            if folder.is_symlink() and folder != self.path:
                raise _unusable(f"{folder} is a link")
        own = {OBJECTS, MODELS, f"{MANIFEST}{UNFINISHED}"}
        others = sorted(entry.name for entry in self.path.iterdir() if entry.name not in own)
        if MANIFEST in others:
            raise CommandError(f"{self.path} holds a finished backup already; name another directory")
        if others:
            raise CommandError(f"{self.path} holds files that are no backup ({others[0]}); name another directory")

    def has_model(self, name: str, size: int | None, model_hash: str) -> str | None:
        """Return the SHA-256 of the file of a model if an earlier run has saved it, else None."""
        file = self.model_file(name)
        if size is None or not file.is_file() or file.stat().st_size != size:
            return None
        found = _sha256_of(self.path, MODELS, file.name, size)
        return found if found == model_hash else None

    @contextlib.contextmanager
    def writing_model(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Yield what writes the file of a model; it is there, on the disk, once the block has ended well."""
        _file_name(name)
        unfinished = self.path / MODELS / f"{name}{MODEL_SUFFIX}{UNFINISHED}"
        unfinished.unlink(missing_ok=True)
        with _created(unfinished) as file:

            def write(chunk: bytes) -> None:
                file.write(chunk)

            yield write
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.model_file(name))

    def model_file(self, name: str) -> Path:
        """Return where the file of a model is."""
        return self.path / MODELS / f"{name}{MODEL_SUFFIX}"

    def write_object(self, document: JsonObject) -> SavedObject:
        """Write the file of an object."""
        kind, name = document["kind"], document["metadata"]["name"]
        content = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()
        file = self.path / OBJECTS / _object_file(kind, name)
        file.unlink(missing_ok=True)
        with _created(file) as opened:
            opened.write(content)
        return SavedObject(kind=kind, name=name, sha256=sha256(content).hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, which makes the backup a finished one."""
        content = manifest.model_dump_json(indent=2).encode()
        unfinished = self.path / f"{MANIFEST}{UNFINISHED}"
        unfinished.unlink(missing_ok=True)
        with _created(unfinished) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path / MANIFEST)

    def manifest(self) -> Manifest:
        """Return the manifest. Raises CommandError if there is none, or it is none that was written here."""
        if not self.path.is_dir():
            raise CommandError(f"{self.path} not found: name the directory of a backup", ExitCode.NOT_FOUND)
        if not (self.path / MANIFEST).exists():
            problem = f"{self.path} has no {MANIFEST}: it is no backup, or an unfinished one; run the backup again"
            raise CommandError(problem, ExitCode.NOT_FOUND)
        content = _read(self.path, "", MANIFEST, MAXIMUM_MANIFEST)
        try:
            manifest = Manifest.model_validate_json(content)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)[0]
            raise _unusable(f"{MANIFEST}: {'.'.join(map(str, found['loc']))}: {found['msg']}") from None
        _require_distinct([f"{each.kind} {each.name}" for each in manifest.objects])
        _require_distinct([f"model {each.name}" for each in manifest.models])
        _require_distinct([f"tag {tag}" for each in manifest.models for tag in each.tags])
        return manifest

    def document(self, entry: SavedObject, namespace: str) -> JsonObject:
        """Return an object as it is restored to the namespace. Raises CommandError if its file is not as saved."""
        file = _object_file(entry.kind, entry.name)
        content = _read(self.path, OBJECTS, file, MAXIMUM_OBJECT)
        if sha256(content).hexdigest() != entry.sha256:
            raise _unusable(f"{OBJECTS}/{file} has another checksum than {MANIFEST} says")
        document = _yaml(content, file)
        if not isinstance(document, dict) or document.keys() - {"status"} != {"apiVersion", "kind", "metadata", "spec"}:
            raise _unusable(f"{OBJECTS}/{file} is no object with apiVersion, kind, metadata and spec")
        metadata = document["metadata"]
        named = metadata.get("name") if isinstance(metadata, dict) else None
        if (document["apiVersion"], document["kind"], named) != (API_VERSION, entry.kind, entry.name):
            raise _unusable(f"{OBJECTS}/{file} is another object than {MANIFEST} says")
        if metadata.keys() - {"name", "labels", "annotations"}:
            raise _unusable(f"{OBJECTS}/{file}: metadata has more than name, labels and annotations")
        complete: JsonObject = {**document, "metadata": {**metadata, "namespace": namespace}}
        try:
            parse(entry.kind, complete)
        except InvalidObjectError as error:
            raise _unusable(f"{OBJECTS}/{file}: {error}") from None
        unknown = unknown_fields(MODELS_OF_KINDS[entry.kind], complete)
        if unknown:
            raise _unusable(f"{OBJECTS}/{file}: {unknown[0]}")
        return complete

    def check_model(self, entry: SavedModel) -> None:
        """Check the file of a model, by reading it once. Raises CommandError if it is not as saved."""
        file = self.model_file(entry.name).name
        if _sha256_of(self.path, MODELS, file, entry.size) != entry.sha256:
            raise _unusable(f"{MODELS}/{file} has another size or checksum than {MANIFEST} says")


def _object_file(kind: str, name: str) -> str:
    return f"{kind.lower()}.{name}.yaml"


def _created(file: Path) -> BinaryIO:
    """Create a file that only this user may read; no link and no other file is in its place."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


@contextlib.contextmanager
def _opened(directory: Path, folder: str, name: str) -> Iterator[BinaryIO]:
    """Open a regular file, without following a link in place of it or of its folder. Raises CommandError."""
    where = f"{folder}/{name}" if folder else name
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        holder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        with contextlib.ExitStack() as opened:
            opened.callback(os.close, holder)
            if folder:
                holder = os.open(folder, flags | os.O_DIRECTORY, dir_fd=holder)
                opened.callback(os.close, holder)
            file = opened.enter_context(os.fdopen(os.open(name, flags, dir_fd=holder), "rb"))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unusable(f"{where} is no regular file")
            yield file
    except OSError as error:
        raise _unusable(f"{where} cannot be read, or is a link: {error.strerror}") from None


def _read(directory: Path, folder: str, name: str, maximum: int) -> bytes:
    with _opened(directory, folder, name) as file:
        content = file.read(maximum + 1)
    if len(content) > maximum:
        raise _unusable(f"{name} has more than {maximum // 1024} KiB")
    return content


def _sha256_of(directory: Path, folder: str, name: str, size: int) -> str | None:
    """Return the checksum of a file, or None if it has another size."""
    found = sha256()
    with _opened(directory, folder, name) as file:
        if os.fstat(file.fileno()).st_size != size:
            return None
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _yaml(content: bytes, name: str) -> object:
    """Return the one document of a YAML file."""
    try:
        return yaml.load(content, Loader=_Loader)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = "is nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
        raise _unusable(f"{name} is no YAML of a backup: {why}") from None


def _require_distinct(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _unusable(f"{MANIFEST} has {name} twice")
        seen.add(name)


def _unusable(problem: str) -> CommandError:
    return CommandError(f"the backup is damaged, or was changed: {problem}; nothing was restored", ExitCode.REFUSED)
