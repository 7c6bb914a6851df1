"""What the Helm chart renders, without a cluster."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python as helm

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "digitforge"
NAMESPACE = "demo"
Manifest = dict[str, Any]

STORE = {"store": {"url": "s3://digits/team"}}
KEYED = {"metricsKey": {"existingSecret": "metrics-key"}}
SCALED = {**STORE, **KEYED, "worker": {"autoscaling": {"enabled": True, "minReplicas": 0}}}
ALL: dict[str, Any] = {
    **KEYED,
    "image": {"repository": "registry.example/digitforge", "digest": f"sha256:{'ab' * 32}", "pullSecrets": ["pull"]},
    "store": {
        "url": "s3://digits/team",
        "endpoint": "http://seaweedfs.storage:8333",
        "region": "eu-central-1",
        "accessKeyId": "digits",
        "secretAccessKey": "secret",
        "caSecret": "store-ca",
    },
    "redis": {"internal": {"enabled": False}, "url": "rediss://:pass@redis.example:6380/0", "caSecret": "redis-ca"},
    "settings": {"DIGITFORGE_WEBHOOKS": "public", "DIGITFORGE_MAX_UPLOAD_BYTES": 536870912, "DIGITFORGE_LEASE_S": 30.5},
    "hosts": ["digits.internal"],
    "proxies": ["10.244.0.0/16"],
    "api": {"autoscaling": {"enabled": True}, "nodeSelector": {"pool": "cpu"}, "podAnnotations": {"team": "digits"}},
    "worker": {
        "autoscaling": {"enabled": True, "maxReplicas": 100},
        "gpus": 2,
        "runtimeClassName": "nvidia",
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
    },
    "service": {"annotations": {"team": "digits"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "512m"},
        "hosts": ["digits.example"],
        "tls": [{"secretName": "tls", "hosts": ["digits.example"]}],
    },
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/digitforge"}},
    "networkPolicy": {
        "apiFrom": [{"namespaceSelector": {}}],
        "allowMetadata": True,
        "extraEgress": [{"ports": [{"protocol": "TCP", "port": 9000}]}],
    },
    "monitoring": {"enabled": True, "labels": {"release": "prometheus"}},
}
CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "store": STORE,
    "keda": SCALED,
    "gpu": {**STORE, "worker": {"gpus": 1, "replicas": 3}},
    "ingress": {"ingress": {"enabled": True, "hosts": ["digits.example"]}, "proxies": ["10.0.0.0/8"]},
    "monitoring": {**KEYED, "monitoring": {"enabled": True}},
    "role": {**STORE, "serviceAccount": ALL["serviceAccount"]},
    "all": ALL,
}


def render(values: dict[str, Any] | None = None, name: str = "digitforge") -> list[Manifest]:
    """The manifests. Raises HelmError for values that are refused."""
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values or {}, name=name, namespace=NAMESPACE, is_install=True)
    texts = [text for file, text in sorted(files.items()) if file.endswith(".yaml")]
    documents = [part for text in texts for part in re.split(r"^---$", text, flags=re.MULTILINE)]
    return [manifest for part in documents if (manifest := helm.values_from_yaml(part))]


def notes(values: dict[str, Any]) -> str:
    """What an installation says at its end."""
    with helm.Chart.load(CHART) as chart:
        return chart.render(values, name="digitforge", namespace=NAMESPACE)["digitforge/templates/NOTES.txt"]


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The only manifest of this kind and name."""
    (found,) = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    """The specification of each pod."""
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "StatefulSet"):
            yield manifest["spec"]["template"]["spec"]


def containers(manifests: list[Manifest]) -> Iterator[Manifest]:
    """Each container."""
    for pod in pods(manifests):
        yield from pod["containers"]


def container(manifests: list[Manifest], name: str) -> Manifest:
    """The only container of this name."""
    (found,) = [each for each in containers(manifests) if each["name"] == name]
    return found


def environment(of: Manifest) -> dict[str, Any]:
    """The variables of a container: the text, or where it comes from."""
    names = [variable["name"] for variable in of["env"]]
    assert len(names) == len(set(names)), names
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in of["env"]}
