"""Runs the pipelines in docs/how-to/ci as GitHub and GitLab do: job by job, in a shell that ends at the first error.

What a job gets from elsewhere (the repository, an artifact) is put into its directory; images are directories of
programs. An action or keyword that is not known here fails.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*([\w.]+)\s*\}\}")
ENVIRONMENT = {"LANG": "C.UTF-8", "RASA_TELEMETRY_ENABLED": "false"}


class StepFailedError(AssertionError):
    """A command of a pipeline ended with an error; the message has its output."""


@dataclass(frozen=True)
class Workplace:
    """Where pipelines run."""

    directory: Path
    repository: Path
    """The files that the pipeline belongs to."""
    programs: Mapping[str, Path]
    """Directory of programs, by the beginning of an image's name."""

    def job(self, name: str) -> Path:
        """Return a new directory for a job."""
        directory = self.directory / name
        directory.mkdir(parents=True)
        return directory

    def run(self, script: str, directory: Path, image: str, variables: Mapping[str, str]) -> str:
        """Run the script in a shell, and return its output. Raises StepFailedError."""
        programs = next(path for start, path in self.programs.items() if image.startswith(start))
        environment = {**ENVIRONMENT, **variables, "PATH": f"{programs}:/usr/bin:/bin", "HOME": str(directory)}
        ran = subprocess.run(
            ["/bin/sh", "-e", "-c", script], cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise StepFailedError(f"{script}\nends with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        return ran.stdout


def run_github(workflow: Path, place: Workplace, values: Mapping[str, str]) -> str:
    """Run the jobs of a workflow in order, and return the output; `values` are what `${{ }}` may ask for."""
    content = yaml.safe_load(workflow.read_text())
    output, artifacts = "", place.job("artifacts")
    for name, job in content["jobs"].items():
        directory, image = place.job(name), job.get("container", {}).get("image", job["runs-on"])
        for step in job["steps"]:
            if "uses" in step:
                _use(step, place, directory, artifacts)
                continue
            variables = {**content.get("env", {}), **step.get("env", {})}
            filled = {key: _with_values(value, values) for key, value in variables.items()}
            output += place.run(step["run"], directory, image, filled)
    return output


def _use(step: Mapping[str, Any], place: Workplace, directory: Path, artifacts: Path) -> None:
    action, parameters = step["uses"].partition("@")[0], step.get("with", {})
    match action:
        case "actions/checkout":
            shutil.copytree(place.repository, directory, dirs_exist_ok=True)
        case "actions/setup-python":
            assert set(parameters) == {"python-version"}
        case "actions/upload-artifact":
            found = list(directory.glob(parameters["path"]))
            assert found, f"{action}: nothing matches {parameters['path']}"
            for file in found:
                shutil.copy(file, artifacts)
        case "actions/download-artifact":
            shutil.copytree(artifacts, directory / parameters["path"])
        case _:
            raise AssertionError(f"{action} is not known here")


def _with_values(text: str, values: Mapping[str, str]) -> str:
    return EXPRESSION.sub(lambda found: values[found[1]], text)


def run_gitlab(pipeline: Path, place: Workplace, values: Mapping[str, str]) -> str:
    """Run the jobs of a pipeline by stage, and return the output; `values` are the project's CI/CD variables."""
    content = yaml.safe_load(pipeline.read_text())
    output, artifacts = "", place.job("artifacts")
    for name, job in _by_stage(content):
        directory = place.job(name)
        shutil.copytree(place.repository, directory, dirs_exist_ok=True)
        shutil.copytree(artifacts, directory, dirs_exist_ok=True)
        variables = {**content["variables"], **values}
        output += place.run("\n".join(job["script"]), directory, job["image"]["name"], variables)
        for path in job.get("artifacts", {}).get("paths", ()):
            shutil.copytree(directory / path, artifacts / path)
    return output


def _by_stage(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    jobs = {name: job for name, job in content.items() if isinstance(job, dict) and "script" in job}
    yield from sorted(jobs.items(), key=lambda item: content["stages"].index(item[1]["stage"]))
