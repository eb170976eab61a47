"""Whether compose.yaml and the Dockerfile still fit the project, told without Docker. `python -m` prints the faults."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = ("migrate", "web", "live", "worker", "outside", "beat")
THEIRS = ("postgres", "redis")
NOT_ROOT = re.compile(r"^(?!0$|0:|root)\S+$")


def known_variables(root: Path = ROOT) -> set[str]:
    """Every name settings.py reads from the environment."""
    text = (root / "config" / "settings.py").read_text()
    return set(re.findall(r"env\.(?:text|flag|number|listing)\(\s*\"([A-Z0-9_]+)\"", text))


def compose_faults(document: dict[str, Any], known: set[str]) -> list[str]:
    services: dict[str, Any] = document.get("services", {})
    faults = [f"compose: no service {name}" for name in (*OURS, *THEIRS) if name not in services]
    for name, service in services.items():
        if name in OURS:
            if not NOT_ROOT.match(str(service.get("user", ""))):
                faults.append(f"compose: {name} runs as root")
            unknown = set(service.get("environment", {})) - known
            faults += [f"compose: {name} sets {variable}, which nothing reads" for variable in sorted(unknown)]
            if not service.get("command"):
                faults.append(f"compose: {name} has no command")
        if name != "migrate" and not service.get("healthcheck", {}).get("test"):
            faults.append(f"compose: {name} has no healthcheck")
        image = service.get("image", "")
        if not re.search(r":[\w.-]*\d", image) or image.endswith(":latest"):
            faults.append(f"compose: {name} uses an image of no fixed version ({image})")
        for other in service.get("depends_on", {}):
            if other not in services:
                faults.append(f"compose: {name} waits for {other}, which isn't there")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith((".", "/")) and source not in document.get("volumes", {}):
                faults.append(f"compose: {name} uses the volume {source}, which isn't declared")
    for name in OURS[1:]:
        waits = services.get(name, {}).get("depends_on", {})
        if waits.get("migrate", {}).get("condition") != "service_completed_successfully":
            faults.append(f"compose: {name} does not wait for migrate")
    return faults


def compose_variables(text: str) -> set[str]:
    """What the reader must or may put into .env."""
    return set(re.findall(r"\$\{([A-Z0-9_]+)", text))


def docker_faults(text: str, root: Path) -> list[str]:
    faults = []
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    instructions = [line.split(None, 1) for line in lines if line.strip() and not line.startswith("#")]
    users = [words[1].strip() for words in instructions if words[0] == "USER"]
    if not users or not NOT_ROOT.match(users[-1]):
        faults.append("Dockerfile: the image runs as root")
    stages = {words[1].split()[2] for words in instructions if words[0] == "FROM" and len(words[1].split()) == 3}
    for words in instructions:
        if words[0] == "FROM":
            image = words[1].split()[0]
            if image not in stages and (":" not in image or image.endswith(":latest")):
                faults.append(f"Dockerfile: {image} has no fixed version")
        if words[0] == "ADD":
            faults.append("Dockerfile: use COPY, not ADD")
        if words[0] == "COPY" and "--from=" not in words[1]:
            sources = [part for part in words[1].split()[:-1] if not part.startswith("--")]
            faults += [
                f"Dockerfile: there is no {source} to copy" for source in sources if not (root / source).exists()
            ]
        if words[0] == "RUN" and "pip install" in words[1] and "--require-hashes" not in words[1]:
            faults.append("Dockerfile: packages are installed without hashes")
    if not any(words[0] == "CMD" for words in instructions):
        faults.append("Dockerfile: no CMD")
    return faults


def left_out_of_the_build(root: Path) -> list[str]:
    """What the Dockerfile copies and .dockerignore would hide."""
    let_in = {line[1:].strip() for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(\S+)", (root / "Dockerfile").read_text(), re.MULTILINE)
    missing = [source for source in copied if source.split("/")[0] not in let_in]
    return [f".dockerignore hides {source} from the build" for source in missing]


def faults(root: Path = ROOT) -> list[str]:
    text = (root / "compose.yaml").read_text()
    operations = (root / "docs" / "operations.md").read_text()
    known = known_variables(root)
    undocumented = sorted(name for name in known | compose_variables(text) if f"`{name}`" not in operations)
    return [
        *compose_faults(yaml.safe_load(text), known),
        *docker_faults((root / "Dockerfile").read_text(), root),
        *left_out_of_the_build(root),
        *(f"docs/operations.md says nothing of {name}" for name in undocumented),
    ]


if __name__ == "__main__":
    found = faults()
    print("\n".join(found))
    sys.exit(1 if found else 0)
