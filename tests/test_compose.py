"""docker-compose.yml and the Dockerfile: what can be said of them without running anything."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from monitor import acl as monitor_acl
from monitor.service.loop import CLOSE_SECONDS
from monitor.settings import MonitorSettings
from sandbox.valkey import _binary
from scorer.registry import acl
from scorer.registry.keys import Keys
from scorer.service.supervisor import GRACE_SECONDS
from scorer.settings import describe
from tests import composed
from tests.composed import COMPOSE, ROOT
from tests.conftest import _start

PASSWORDS = {f"VALKEY_{user}_PASSWORD": f"{user}-pw".lower() for user in ("SCORER", "MONITOR", "OPERATOR")}
SERVICES = composed.services(PASSWORDS)
OURS = {name: service for name, service in SERVICES.items() if service.ours}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SETTINGS = MonitorSettings.load(ROOT / "scorer.example.toml", {})


def test_all_images_are_pinned_and_are_what_is_tested_here() -> None:
    assert SERVICES["kafka"].image == f"apache/kafka:{_locked('org.apache.kafka:kafka_2.13')}"
    said = subprocess.run([_start("Valkey", _binary), "--version"], capture_output=True, text=True, check=True).stdout
    assert SERVICES["valkey"].image == f"valkey/valkey:{re.findall(r'v=([0-9.]+)', said)[0]}"
    assert set(OURS) == {"topics", "scorer", "monitor"}
    assert {service.image for service in OURS.values()} == {f"{composed.IMAGE}:{PROJECT['version']}"}
    instructions = composed.dockerfile()
    [base] = [words[0] for instruction, words in instructions if instruction == "ARG"]
    assert re.fullmatch(r"PYTHON=python:3\.13\.\d+-slim-trixie", base)
    assert {words[0] for instruction, words in instructions if instruction == "FROM"} == {"${PYTHON}"}
    [labels] = [words for instruction, words in instructions if instruction == "LABEL"]
    assert f"org.opencontainers.image.version={PROJECT['version']}" in labels
    assert f"org.opencontainers.image.licenses={PROJECT['license']}" in labels


def _locked(artefact: str) -> str:
    [line] = [line for line in (ROOT / "sandbox" / "kafka.lock").read_text().splitlines() if f"{artefact}:" in line]
    return line.split()[0].removeprefix(f"{artefact}:")


def test_the_settings_file_is_right_and_what_it_names_is_there() -> None:
    assert all(file.is_file() for file in SETTINGS.schemas.events.values())
    assert SETTINGS.monitor.requirements.is_file()
    for service in SERVICES.values():
        assert service.environment.get("SCORER_MODEL", SETTINGS.scorer.model) == SETTINGS.scorer.model


def test_every_variable_is_a_setting() -> None:
    known = {variable for _, variable, _, _ in describe(MonitorSettings)}
    for service in OURS.values():
        assert set(service.environment) <= known
    sections = tuple(f"{section}_".upper() for section in MonitorSettings.model_fields)
    assert {name for name in composed.image_environment() if name.startswith(sections)} <= known


def test_no_password_is_in_the_file_and_none_may_be_missing() -> None:
    text = COMPOSE.read_text("utf-8")
    assert set(re.findall(r"(?<!\$)\$\{(\w+):\?", text)) == set(PASSWORDS)
    for line in text.splitlines():
        if "PASSWORD:" in line or "REDIS_URL:" in line:
            assert re.search(r"(^ +VALKEY_\w+: |redis://\w+:)\$\{VALKEY_\w+_PASSWORD:\?", line), line
    for name in PASSWORDS:
        with pytest.raises(KeyError, match=name):
            composed.services(PASSWORDS | {name: ""})
    environments = {name: service.environment for name, service in SERVICES.items()}
    for user, holders in {"scorer": {"scorer"}, "monitor": {"monitor"}, "operator": {"topics"}}.items():
        found = {name for name, values in environments.items() if any(f"{user}-pw" in one for one in values.values())}
        assert found == holders | {"valkey"}


def test_the_scorer_has_the_rights_that_are_tested_and_no_others() -> None:
    text = (ROOT / "docker" / "valkey.sh").read_text("utf-8").replace("$model", SETTINGS.scorer.model)
    [line] = [line for line in text.splitlines() if line.startswith("user scorer ")]
    assert line == f"user scorer on >$VALKEY_SCORER_PASSWORD {' '.join(acl.rules(Keys(SETTINGS.scorer.model)))}"


def test_the_monitor_has_the_rights_that_are_tested_and_no_others() -> None:
    text = (ROOT / "docker" / "valkey.sh").read_text("utf-8").replace("$model", SETTINGS.scorer.model)
    [line] = [line for line in text.splitlines() if line.startswith("user monitor ")]
    rules = " ".join(monitor_acl.rules(Keys(SETTINGS.scorer.model)))
    assert line == f"user monitor on >$VALKEY_MONITOR_PASSWORD {rules}"


def test_what_is_mounted_is_there() -> None:
    volumes = set(re.findall(r"^  (\w+):$", COMPOSE.read_text("utf-8").split("\nvolumes:\n")[1], re.MULTILINE))
    for service in SERVICES.values():
        for source in service.mounts.values():
            assert source in volumes or (ROOT / source).exists(), f"{service.name}: {source}"
    assert SERVICES["scorer"].mounts[SERVICES["scorer"].environment["SCORER_STATE_DIRECTORY"]] in volumes
    assert SERVICES["monitor"].mounts[SERVICES["monitor"].environment["MONITOR_STATE_DIRECTORY"]] in volumes
    assert SERVICES["kafka"].mounts[SERVICES["kafka"].environment["KAFKA_LOG_DIRS"]] in volumes


def test_containers_may_write_nowhere_but_where_they_must() -> None:
    for service in [*OURS.values(), SERVICES["valkey"]]:
        assert service.facts["read_only"] is True
        assert service.facts["cap_drop"] == ["ALL"]
        assert service.facts["security_opt"] == ["no-new-privileges:true"]
        assert service.facts["tmpfs"] == ["/tmp"]  # noqa: S108  # of the container
    for service in SERVICES.values():
        for port in service.facts.get("ports", []):
            assert port.startswith("127.0.0.1:"), "without passwords and TLS, nobody else may reach it"


def test_the_order_of_starts() -> None:
    for service in SERVICES.values():
        for other, condition in service.facts.get("depends_on", {}).items():
            healthy = "test" in SERVICES[other].facts["healthcheck"]
            assert condition["condition"] == ("service_healthy" if healthy else "service_completed_successfully")
    assert set(SERVICES["topics"].facts["depends_on"]) == {"kafka", "valkey"}
    for name in ("scorer", "monitor"):
        assert set(SERVICES[name].facts["depends_on"]) == {"topics"}


def test_there_is_time_to_stop_and_no_restart_without_end() -> None:
    scorer, monitor = SERVICES["scorer"].facts, SERVICES["monitor"].facts
    assert composed.seconds(scorer["stop_grace_period"]) >= SETTINGS.scorer.shutdown_seconds + GRACE_SECONDS + 5
    assert composed.seconds(monitor["stop_grace_period"]) >= CLOSE_SECONDS + 10
    assert scorer["restart"] == monitor["restart"] == "on-failure:3"
    assert SERVICES["topics"].facts["restart"] == "no"
    assert scorer["init"] is monitor["init"] is True, "signals must arrive at once, and nobody else buries the dead"


def test_the_ports_agree() -> None:
    exposed = [words for instruction, words in composed.dockerfile() if instruction == "EXPOSE"]
    assert exposed == [["8080"]]
    for variables in (composed.image_environment(), SERVICES["scorer"].environment):
        assert variables["SCORER_HTTP"] == "0.0.0.0:8080"
    assert SERVICES["scorer"].facts["ports"] == ["127.0.0.1:8080:8080"]


def test_the_image_is_made_of_what_is_there_and_does_not_run_as_root() -> None:
    instructions = composed.dockerfile()
    for source in composed.copied():
        assert (ROOT / source).exists(), source
        assert composed.sent(source), f".dockerignore keeps {source} back"
    for path in (".env", ".git", "tests/composed.py", "coefficients/flights", "scorer/wire/__pycache__"):
        assert not composed.sent(path), f".dockerignore lets {path} through"
    installs = [" ".join(words) for instruction, words in instructions if instruction == "RUN"]
    installs = re.findall(r"pip .*?install [^&]*", " ".join(installs))
    assert len(installs) == 3
    for one in installs:
        assert "--require-hashes" in one or "--no-index" in one
    assert [words for instruction, words in instructions if instruction == "USER"] == [["10001:10001"]]
    assert [words for instruction, words in instructions if instruction == "CMD"] == [["[scorer,", "run]"]]
    [check] = [" ".join(words) for instruction, words in instructions if instruction == "HEALTHCHECK"]
    assert check.endswith("CMD [python, /opt/scorer/probe.py, /health]")
    assert SERVICES["scorer"].facts["healthcheck"]["test"] == ["CMD", "python", "/opt/scorer/probe.py", "/ready"]


def test_all_machine_code_is_compiled_when_the_image_is_built() -> None:
    runs = " ".join(word for instruction, words in composed.dockerfile() if instruction == "RUN" for word in words)
    [code] = re.findall(r"XDG_CACHE_HOME=/opt/scorer/cache .*? -c (.*?) &&", runs)
    assert composed.image_environment()["XDG_CACHE_HOME"] == "/opt/scorer/cache"
    sources = [path for package in ("scorer", "monitor") for path in (ROOT / package).rglob("*.py")]
    compiled = [path.relative_to(ROOT) for path in sources if "\n@entry(" in path.read_text("utf-8")]
    wanted = {".".join(path.with_suffix("").parts) for path in compiled}
    assert len(wanted) > 3
    command = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert wanted <= set(done.stdout.split())
