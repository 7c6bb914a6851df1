"""Values of the Helm chart that make no sense are refused, with the value and what is allowed."""

import re
from typing import Any

import helm_python as helm
import pytest

from core.settings import Settings
from tests.deploy.chart import ALL, CHART, SCALED, STORE, container, environment, render

TWO = {"replicas": 2}
REFUSED: list[tuple[dict[str, Any], str]] = [
    # by the schema, which names the value's place
    ({"api": {"replicas": -1}}, "/api/replicas.*got -1"),
    ({"api": {"replicas": 0}}, "/api/replicas.*got 0"),
    ({"worker": {"replicas": -3}}, "/worker/replicas.*got -3"),
    ({"worker": {"replicas": "two"}}, "/worker/replicas.*got string"),
    ({"worker": {"replica": 2}}, "/worker.*'replica' not allowed"),
    ({"workers": {}}, "'workers' not allowed"),
    ({"worker": {"terminationGracePeriodSeconds": 5}}, "/worker/terminationGracePeriodSeconds.*got 5"),
    ({"worker": {"gpus": -1}}, "/worker/gpus.*got -1"),
    ({"worker": {"resources": {"limits": {"cpu": None}}}}, "/worker/resources/limits.*missing property 'cpu'"),
    ({"worker": {"resources": {"limits": {"cpu": "lots"}}}}, "/worker/resources/limits/cpu.*'lots'"),
    ({"worker": {"cacheSize": "many"}}, "/worker/cacheSize.*'many'"),
    ({"store": {"url": "file:///data"}}, "/store/url.*'file:///data'"),
    ({"store": {"url": "digits"}}, "/store/url.*'digits'"),
    ({"store": {"url": "s3://digits", "endpoint": "seaweedfs:8333"}}, "/store/endpoint.*'seaweedfs:8333'"),
    ({"redis": {"url": "redis-cluster://a:1", "internal": {"enabled": False}}}, "/redis/url.*redis-cluster"),
    ({"redis": {"url": "redis://a:1,b:2", "internal": {"enabled": False}}}, "/redis/url.*a:1,b:2"),
    ({"settings": {"DIGITFORGE_MAX_QUEUE": 5}}, "/settings.*DIGITFORGE_MAX_QUEUE"),
    ({"settings": {"DIGITFORGE_REDIS_URL": "redis://other"}}, "/settings.*DIGITFORGE_REDIS_URL"),
    ({"image": {"digest": "sha256:abc"}}, "/image/digest.*'sha256:abc'"),
    ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
    ({"proxies": ["ingress.example"]}, "/proxies/0.*'ingress.example'"),
    ({"hosts": ["https://digits.example"]}, "/hosts/0.*'https://digits.example'"),
    ({"service": {"port": 70000}}, "/service/port.*70,?000"),
    # by a sentence, where two values do not go together
    ({"api": TWO}, r"api.replicas is 2 and store.url is empty: .*; allowed: 1, or a store.url"),
    ({"worker": TWO}, r"worker.replicas is 2 and store.url is empty"),
    ({"worker": {"replicas": 0}}, r"worker.replicas is 0 and store.url is empty"),
    ({**SCALED, "store": {"url": ""}}, r"worker.autoscaling.enabled is true and store.url is empty"),
    ({"api": {"autoscaling": {"enabled": True}}}, r"api.autoscaling.enabled is true and store.url is empty"),
    ({**STORE, "api": {"autoscaling": {"minReplicas": 9}}}, "api.autoscaling.minReplicas is 9; allowed: at most .* 8"),
    ({**SCALED, "worker": {"autoscaling": {"minReplicas": 11}}}, "worker.autoscaling.minReplicas is 11; .* 10"),
    ({"worker": {"stopGraceSeconds": 41}}, r"terminationGracePeriodSeconds is 60: .* 41, .*; allowed: at least 61"),
    ({"api": {"preStopSeconds": 20}}, r"api.terminationGracePeriodSeconds is 30: .*; allowed: at least 40"),
    ({"redis": {"url": "redis://other"}}, r"redis.internal.enabled is true, and redis.url"),
    ({"redis": {"internal": {"enabled": False}}}, r"redis.internal.enabled is false and there is no other Redis"),
    (
        {"redis": {"internal": {"enabled": False}, "url": "redis://a", "existingSecret": "b"}},
        r"redis.url and redis.existingSecret are both set",
    ),
    (
        {"store": {"accessKeyId": "a", "secretAccessKey": "b"}},
        r"credentials or a caSecret are set and store.url is empty",
    ),
    ({"store": {**STORE["store"], "accessKeyId": "a"}}, r"accessKeyId and store.secretAccessKey belong together"),
    (
        {"store": {**STORE["store"], "accessKeyId": "a", "secretAccessKey": "b", "existingSecret": "c"}},
        r"store.existingSecret and store.accessKeyId are both set",
    ),
    ({"ingress": {"enabled": True}}, r"ingress.hosts is empty"),
    ({"ingress": {"enabled": True, "hosts": ["digits.example"]}}, r"ingress.enabled is true and proxies is empty"),
    ({**SCALED, "metricsKey": {}}, r"metricsKey.existingSecret is empty"),
    ({**SCALED, "settings": {"DIGITFORGE_METRICS": False}}, r"settings.DIGITFORGE_METRICS is false"),
    ({"monitoring": {"enabled": True}}, r"metricsKey.existingSecret is empty"),
    (
        {"serviceAccount": {"create": False, "annotations": {"a": "b"}}},
        r"serviceAccount.annotations are set and serviceAccount.create is false",
    ),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_values_that_make_no_sense_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(helm.HelmError) as refused:
        render(values)
    assert re.search(message, str(refused.value).replace("\n", " ")), str(refused.value)


def test_every_setting_can_be_set_but_those_that_the_chart_sets() -> None:
    with helm.Chart.load(CHART) as chart:
        assert chart.schema
        listed = set(chart.schema["properties"]["settings"]["properties"])
    manifests = render({**ALL, "settings": {}})
    by_the_chart = {name for of in ("api", "worker") for name in environment(container(manifests, of))}
    defaults = {"DIGITFORGE_API_PROCESSES", "DIGITFORGE_TRAINER_THREADS", "DIGITFORGE_LOG_FORMAT"}
    by_the_image = {"DIGITFORGE_PORT", "DIGITFORGE_PUBLISHED_HOST", "DIGITFORGE_DATASETS_DIR"}
    settings = {f"DIGITFORGE_{name.upper()}" for name in Settings.model_fields}
    assert listed == settings - (by_the_chart - defaults) - by_the_image
