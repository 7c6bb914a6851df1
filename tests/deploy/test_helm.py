"""The Helm chart, rendered without a cluster: valid for Kubernetes, hardened, and in step with the code."""

import re
import socket
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest

from access.key_file import read_keys
from access.required import check_start
from core.settings import Settings
from core.version import VERSION
from tests.deploy.chart import (
    ALL,
    CASES,
    CHART,
    NAMESPACE,
    SCALED,
    STORE,
    Manifest,
    container,
    containers,
    environment,
    notes,
    one,
    pods,
    render,
)
from tests.deploy.observe import OBSERVE

KUBERNETES = ("1.25", "1.37")  # the oldest that Chart.yaml allows, and the newest with a schema
FOREIGN = {"keda.sh/v1alpha1", "monitoring.coreos.com/v1"}  # their schemas come with KEDA and the Prometheus operator
CASE = pytest.mark.parametrize("values", CASES.values(), ids=CASES)


@CASE
def test_lint_finds_nothing(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values, strict=True)
    assert [message for message in report["messages"] if "icon is recommended" not in message["error"]] == []
    assert report["errors"] == []


@CASE
def test_every_manifest_is_valid_for_kubernetes(values: dict[str, Any]) -> None:
    manifests = [manifest for manifest in render(values) if manifest["apiVersion"] not in FOREIGN]
    assert len(manifests) > 6
    for version in KUBERNETES:
        for manifest in manifests:
            assert kubernetes_validate.validate(manifest, version, strict=True) == version, manifest["metadata"]


@CASE
def test_names_are_unique_and_every_reference_leads_somewhere(values: dict[str, Any]) -> None:
    manifests = render(values)
    named = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(named) == len(set(named))
    brought = {"metrics-key", "redis-ca", "store-ca", "pull", "tls"}  # by whoever installs it
    for secret in _secrets_in(manifests) - brought:
        assert ("Secret", secret) in named
    for manifest in manifests:
        target = manifest["spec"].get("scaleTargetRef") if "spec" in manifest else None
        assert target is None or ("Deployment", target["name"]) in named
    labels = [_labels(manifest) for manifest in manifests if manifest["kind"] in ("Deployment", "StatefulSet")]
    for selector in _selectors(manifests):
        assert any(selector.items() <= found.items() for found in labels), selector


@CASE
def test_every_container_is_locked_down_and_bounded(values: dict[str, Any]) -> None:
    manifests = render(values)
    for pod in pods(manifests):
        security = pod["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert not any("hostPath" in volume for volume in pod.get("volumes", []))
    for each in containers(manifests):
        assert each["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in each["resources"]["limits"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(each)


@CASE
def test_the_variables_are_settings_and_api_and_worker_run_one_image(values: dict[str, Any]) -> None:
    manifests = render(values)
    ours = [container(manifests, name) for name in ("api", "worker")]
    assert len({each["image"] for each in ours}) == 1
    known = {f"DIGITFORGE_{name.upper()}" for name in Settings.model_fields}
    for each in ours:
        variables = environment(each)
        assert {name for name in variables if not name.startswith("AWS_")} - known == set()
        texts = {name: text for name, text in variables.items() if isinstance(text, str)}
        of_settings = {name.removeprefix("DIGITFORGE_").lower(): text for name, text in texts.items()}
        Settings.model_validate({name: text for name, text in of_settings.items() if name in Settings.model_fields})


def test_the_uid_is_that_of_the_image() -> None:
    dockerfile = (CHART.parents[2] / "Dockerfile").read_text(encoding="utf-8")
    assert f"USER {container_user(render())}:{container_user(render())}\n" in dockerfile


def container_user(manifests: list[Manifest]) -> int:
    return int(one(manifests, "StatefulSet", "digitforge")["spec"]["template"]["spec"]["securityContext"]["runAsUser"])


def test_the_chart_has_the_version_of_the_package() -> None:
    with helm.Chart.load(CHART) as chart:
        assert (chart.version, chart.metadata["appVersion"]) == (VERSION, VERSION)


def test_without_a_store_one_pod_holds_api_and_worker_on_one_volume() -> None:
    (pod, _) = pods(manifests := render())
    assert [each["name"] for each in pod["containers"]] == ["api", "worker"]
    assert "DIGITFORGE_STORE_URL" not in environment(container(manifests, "api"))
    claims = one(manifests, "StatefulSet", "digitforge")["spec"]["volumeClaimTemplates"]
    assert [claim["metadata"]["name"] for claim in claims] == ["data"]


def test_with_a_store_they_are_deployments_with_disks_of_their_own() -> None:
    manifests = render(STORE)
    for name in ("api", "worker"):
        deployment = one(manifests, "Deployment", f"digitforge-{name}")
        volumes = {each["name"]: each for each in deployment["spec"]["template"]["spec"]["volumes"]}
        assert "emptyDir" in volumes["data"]
        assert environment(container(manifests, name))["DIGITFORGE_STORE_URL"] == "s3://digits/team"


def test_each_authority_is_mounted_where_it_is_looked_for() -> None:
    for each in (container(render(ALL), name) for name in ("api", "worker")):
        folders = {mount["mountPath"] for mount in each["volumeMounts"]}
        assert {"/etc/digitforge/redis", "/etc/digitforge/store"} <= folders
        assert environment(each)["AWS_CA_BUNDLE"] == "/etc/digitforge/store/ca.crt"


def test_numbers_reach_the_settings_as_they_were_written() -> None:
    found = environment(container(render(ALL), "worker"))
    assert (found["DIGITFORGE_MAX_UPLOAD_BYTES"], found["DIGITFORGE_LEASE_S"]) == ("536870912", "30.5")


def test_the_api_answers_to_the_names_that_reach_it() -> None:
    found = environment(container(render(ALL), "api"))
    url = _trigger(render(ALL))["metadata"]["url"]
    names = found["DIGITFORGE_HOSTS"].split(",")
    assert {"digits.example", "digits.internal", "digitforge", url.split("/")[2].partition(":")[0]} <= set(names)
    assert found["DIGITFORGE_PROXIES"] == "10.244.0.0/16"


def test_keda_counts_jobs_at_the_api_and_adds_a_worker_for_each_device() -> None:
    for values, lanes in (
        (SCALED, "1"),
        (ALL, "2"),
        ({**SCALED, "settings": {"DIGITFORGE_DEVICES": "cpu,cpu,cpu"}}, "3"),
    ):
        manifests = render(values)
        trigger = _trigger(manifests)
        assert all(isinstance(value, str) for value in trigger["metadata"].values())  # the resource takes no others
        assert (
            trigger["metadata"].items()
            >= {
                "url": f"http://digitforge.{NAMESPACE}.svc:8000/metrics",
                "format": "prometheus",
                "valueLocation": "digitforge_jobs_demand",
                "targetValue": lanes,
                "authMode": "bearer",
            }.items()
        )
        authentication = one(manifests, "TriggerAuthentication", trigger["authenticationRef"]["name"])
        assert authentication["spec"]["secretTargetRef"] == [
            {"parameter": "token", "name": "metrics-key", "key": "token"}
        ]
        assert "replicas" not in one(manifests, "Deployment", "digitforge-worker")["spec"]


def test_the_api_starts_on_every_address_with_the_keys_of_a_first_installation_and_lets_nobody_in(
    tmp_path: Path,
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(one(render(), "Secret", "digitforge-keys")["stringData"]["keys.json"])
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        check_start(Settings(data_dir=tmp_path, keys_file=path), [everywhere])
    assert read_keys(path) == ()


def test_a_gpu_is_a_limit_beside_the_others() -> None:
    limits = container(render(ALL), "worker")["resources"]["limits"]
    assert limits == {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": 2}
    assert "nvidia.com/gpu" not in container(render(ALL), "api")["resources"]["limits"]


def test_egress_leads_to_what_is_configured_and_never_to_instance_metadata_by_default() -> None:
    def ports(values: dict[str, Any]) -> set[Any]:
        policy = one(render(values), "NetworkPolicy", "digitforge-worker")
        return {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}

    assert ports(STORE) == {53, 6379, 443}
    assert ports(ALL) == {53, 6380, 8333, 443, 80, 9000}
    for rule in one(render(STORE), "NetworkPolicy", "digitforge-worker")["spec"]["egress"]:
        for block in [peer["ipBlock"] for peer in rule.get("to", []) if "ipBlock" in peer]:
            assert {"169.254.0.0/16", "fd00:ec2::/32"} & set(block["except"])


def test_alerts_are_those_of_the_repository_and_jobs_have_the_names_that_they_read() -> None:
    manifests = render(ALL)
    rule = one(manifests, "PrometheusRule", "digitforge")
    text = (OBSERVE / "alerts.yml").read_text(encoding="utf-8")
    assert rule["spec"] == helm.values_from_yaml(text)
    (endpoint,) = one(manifests, "ServiceMonitor", "digitforge")["spec"]["endpoints"]
    (pod_endpoint,) = one(manifests, "PodMonitor", "digitforge-worker")["spec"]["podMetricsEndpoints"]
    jobs = {relabeling["replacement"] for each in (endpoint, pod_endpoint) for relabeling in each["relabelings"]}
    assert jobs == {"digitforge-api", "digitforge-worker"}
    assert all(f"job_name: {job}" in (OBSERVE / "prometheus.yml").read_text() for job in jobs)


def test_a_packaged_chart_renders_the_same(tmp_path: Path) -> None:
    archive = helm.package(CHART, destination=tmp_path)
    with helm.Chart.load(archive) as packaged, helm.Chart.load(CHART) as chart:
        assert packaged.render(ALL, name="digitforge") == chart.render(ALL, name="digitforge")


def test_the_example_of_the_documentation_renders_with_all_that_it_speaks_of() -> None:
    document = (CHART.parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(image:.*?)^```$", document, re.MULTILINE | re.DOTALL)
    kinds = {manifest["kind"] for manifest in render(helm.values_from_yaml(text), "digits")}
    assert kinds >= {"Deployment", "HorizontalPodAutoscaler", "ScaledObject", "Ingress", "PrometheusRule"}


def test_the_notes_name_the_pod_that_a_key_is_made_in() -> None:
    assert "exec statefulset/digitforge --container api -- digitforge keys create" in notes({})
    assert "exec deployment/digitforge-api --container api -- digitforge keys create" in notes(STORE)


def _trigger(manifests: list[Manifest]) -> Manifest:
    (trigger,) = one(manifests, "ScaledObject", "digitforge-worker")["spec"]["triggers"]
    return dict(trigger)


def _labels(manifest: Manifest) -> dict[str, str]:
    return dict(manifest["spec"]["template"]["metadata"]["labels"])


def _selectors(manifests: list[Manifest]) -> list[dict[str, str]]:
    found = []
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "Service":
            found.append(spec["selector"])
        elif manifest["kind"] in ("PodDisruptionBudget", "Deployment", "StatefulSet", "PodMonitor"):
            found.append(spec["selector"]["matchLabels"])
        elif manifest["kind"] == "NetworkPolicy":
            found.append(spec["podSelector"]["matchLabels"])
    return found


def _secrets_in(value: Any) -> set[str]:
    """The names of all Secrets that manifests read."""
    if isinstance(value, list):
        return {name for each in value for name in _secrets_in(each)}
    if not isinstance(value, dict):
        return set()
    found = {name for each in value.values() for name in _secrets_in(each)}
    for key in ("secretKeyRef", "secretRef", "credentials"):
        found |= {value[key]["name"]} if isinstance(value.get(key), dict) else set()
    return found | ({value["secretName"]} if "secretName" in value else set())
