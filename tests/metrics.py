"""A real server's metrics, as Prometheus would fetch and read them."""

import json
import re
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from hashmatch.cli.child import ServerProcess

METRICS = {"HASHMATCH_METRICS_ADDRESS": "127.0.0.1:0"}
"""For the environment of a server whose metrics are read."""


def metrics_url(server: ServerProcess) -> str:
    """Where a server that was started with METRICS says they are."""
    events = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [str(event["url"]) for event in events if event["event"] == "metrics"][-1]


def metrics(server: ServerProcess) -> dict[str, float]:
    """Values by name and labels, as in `hashmatch_calls_total{method="MatchImage",status="OK"}`."""
    with urllib.request.urlopen(metrics_url(server), timeout=10) as answer:
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        assert re.fullmatch(r"(hashmatch|process|python)_[a-z_]+", family.name)
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found
