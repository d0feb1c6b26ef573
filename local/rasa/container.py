"""Running a container as a plain process, as a kubelet would: pure functions, without files or processes.

The rules are those of kubernetes.io: "Define Dependent Environment Variables", "Define a Command and Arguments for a
Container", and "Volumes" (subPath).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

JsonObject = Mapping[str, Any]

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")


@dataclass(frozen=True)
class Pod:
    """A pod as the API server knows it.

    Its spec, its fields by fieldPath, and the objects that it refers to, by name.
    """

    spec: JsonObject
    config_maps: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ContainerRun:
    """A process in place of a container: the command, its directory, and the files and directories to create first."""

    command: list[str]
    environment: dict[str, str]
    directory: Path
    files: dict[Path, str]
    directories: list[Path]
    modes: dict[Path, int] = field(default_factory=dict)
    """Modes of the files whose volume sets one."""


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Expand references as Kubernetes does.

    `$(NAME)` is the variable, or stays if there is none; `$$` is a dollar sign.
    """

    def value(match: re.Match[str]) -> str:
        return "$" if match[1] else variables.get(match[2], match[0])

    return _REFERENCE.sub(value, text)


def plan_run(
    pod: Pod,
    container_name: str,
    root: Path,
    entrypoint: list[str],
    replace: Mapping[str, str] | None = None,
) -> ContainerRun:
    """Return how to run a container of the pod with `root` as its file system; `entrypoint` is that of its image.

    Paths of the working directory and the mounts are moved under `root`, and each key of `replace` is replaced by its
    value, in arguments, variables and files. Raises KeyError or ValueError for a dangling reference.
    """
    container = find_container(pod, container_name)
    translate = Translation(root, mapped_paths(container), replace or {})
    variables = container_variables(pod, container)
    arguments = [expand(argument, variables) for argument in container.get("args") or []]
    command = [expand(part, variables) for part in container.get("command") or []]
    files: dict[Path, str] = {}
    modes: dict[Path, int] = {}
    directories = [root / path.lstrip("/") for path in mapped_paths(container)]
    for mount in container.get("volumeMounts") or []:
        for path, text in mounted_files(pod, mount).items():
            files[root / path.lstrip("/")] = translate(text)
        modes |= {root / path.lstrip("/"): mode for path, mode in mounted_modes(pod, mount).items()}
    return ContainerRun(
        command=[*(map(translate, command) if command else entrypoint), *map(translate, arguments)],
        environment={name: translate(value) for name, value in variables.items()},
        directory=root / working_directory(container).lstrip("/"),
        files=files,
        directories=[path for path in directories if path not in files],
        modes=modes,
    )


def find_container(pod: Pod, name: str) -> JsonObject:
    """Return the container of that name. Raises ValueError."""
    for container in pod.spec["containers"]:
        if container["name"] == name:
            return dict(container)
    raise ValueError(f"the pod has no container {name}")


def working_directory(container: JsonObject) -> str:
    """Return the container's working directory: /app, as in Rasa's image, by default."""
    return str(container.get("workingDir") or "/app")


def mapped_paths(container: JsonObject) -> list[str]:
    """Return the container's own paths: its working directory and its mounts."""
    return [working_directory(container), *(mount["mountPath"] for mount in container.get("volumeMounts") or [])]


def container_variables(pod: Pod, container: JsonObject) -> dict[str, str]:
    """Return the environment: envFrom, then env, each value with references to earlier ones expanded."""
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        prefix = source.get("prefix", "")
        for kind, objects in (("configMapRef", pod.config_maps), ("secretRef", pod.secrets)):
            if kind in source:
                variables |= {prefix + key: value for key, value in objects[source[kind]["name"]].items()}
    for entry in container.get("env") or []:
        value = _value_from(pod, entry) if "valueFrom" in entry else expand(entry.get("value", ""), variables)
        if value is not None:
            variables[entry["name"]] = value
    return variables


def mounted_files(pod: Pod, mount: JsonObject) -> dict[str, str]:
    """Return the files that a mount adds to the container, by path; none for a volume that starts empty."""
    content = _volume_content(pod, _volume(pod, mount))
    path, sub_path = mount["mountPath"], mount.get("subPath")
    if sub_path is None:
        return {str(PurePosixPath(path) / name): text for name, text in content.items()}
    return {path: content[sub_path]} if sub_path in content else {}


def mounted_modes(pod: Pod, mount: JsonObject) -> dict[str, int]:
    """Return the modes of those files of a mount for which its volume sets one, by path."""
    volume = _volume(pod, mount)
    source = volume.get("secret") or volume.get("configMap") or {}
    items = source.get("items") or []
    return {str(PurePosixPath(mount["mountPath"]) / item["path"]): item["mode"] for item in items if "mode" in item}


@dataclass(frozen=True)
class Translation:
    """Rewrites text for outside of the container: paths under `root`, and the given replacements."""

    root: Path
    paths: list[str]
    replace: Mapping[str, str]

    def __call__(self, text: str) -> str:
        """Return `text`, rewritten."""
        longest_first = sorted(set(self.paths), key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        text = re.sub(rf"(?<![\w./-])({pattern})(?![\w.-])", lambda path: f"{self.root}{path[1]}", text)
        for old, new in self.replace.items():
            text = text.replace(old, new)
        return text


def _value_from(pod: Pod, entry: JsonObject) -> str | None:
    source = entry["valueFrom"]
    for kind, objects in (("secretKeyRef", pod.secrets), ("configMapKeyRef", pod.config_maps)):
        if kind in source:
            reference = source[kind]
            value = objects.get(reference["name"], {}).get(reference["key"])
            if value is None and not reference.get("optional"):
                raise ValueError(
                    f"{entry['name']} comes from {reference['name']}, key {reference['key']}: there is none"
                )
            return value
    if "fieldRef" in source:
        path = source["fieldRef"]["fieldPath"]
        if path not in pod.fields:
            raise ValueError(f"{entry['name']} comes from the field {path}: give its value in Pod.fields")
        return pod.fields[path]
    raise ValueError(f"{entry['name']} comes from {', '.join(source)}, which only a real node can tell")


def _volume(pod: Pod, mount: JsonObject) -> JsonObject:
    volume: JsonObject | None = next(
        (volume for volume in pod.spec.get("volumes") or [] if volume["name"] == mount["name"]), None
    )
    if volume is None:
        raise ValueError(
            f"the mount {mount['mountPath']} names the volume {mount['name']}, which the pod does not have"
        )
    return volume


def _volume_content(pod: Pod, volume: JsonObject) -> dict[str, str]:
    if "emptyDir" in volume:
        return {}
    if "configMap" in volume:
        source, data = volume["configMap"], pod.config_maps[volume["configMap"]["name"]]
    elif "secret" in volume:
        source, data = volume["secret"], pod.secrets[volume["secret"]["secretName"]]
    else:
        raise ValueError(f"the volume {volume['name']} is none of emptyDir, configMap and secret")
    items = source.get("items")
    return dict(data) if items is None else {item["path"]: data[item["key"]] for item in items}
