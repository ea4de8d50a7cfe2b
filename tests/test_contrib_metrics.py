"""Tests for the dashboard and the alerts in ``contrib``."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from promtool import promtool
from world import World

from antigravity_gw.metrics.families import FAMILIES, Family, Sort

ROOT = Path(__file__).parents[1]
DASHBOARD = json.loads((ROOT / "contrib/grafana/antigravity-gw.json").read_text())
RULES = ROOT / "contrib" / "prometheus" / "alerts.yml"
TRIALS = RULES.with_name("rules_test.yml")
ALERTS = re.findall(r"^ *- alert: (\w+)$", RULES.read_text(), re.M)
NAME = re.compile(r"\b(?:antigravity_gw|process|python)_\w+")
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*", "$job": ".*"}


def sample_names(family: Family) -> list[str]:
    """What Prometheus stores of a metric."""
    if family.sort is Sort.HISTOGRAM:
        return [f"{family.full_name}_{end}" for end in ("bucket", "count", "sum")]
    return [family.full_name]


def known(world: World) -> set[str]:
    """The names of all there is: ours, and those of the process."""
    text = world.get("/metrics").body.decode()
    told = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
    return told | {name for family in FAMILIES for name in sample_names(family)}


def expressions(part: Any) -> Iterator[str]:
    """All queries in a part of the dashboard."""
    if isinstance(part, dict):
        yield from [part["expr"]] if "expr" in part else []
        yield from expressions(list(part.values()))
    elif isinstance(part, list):
        for each in part:
            yield from expressions(each)


def test_every_metric_that_is_asked_for_is_there(tmp_path: Path) -> None:
    """No panel and no alert stays empty for a name that is wrong."""
    there = known(World(tmp_path))
    told = "\n".join(expressions(DASHBOARD)) + RULES.read_text() + TRIALS.read_text()
    variables = json.dumps(DASHBOARD["templating"])
    asked = set(NAME.findall(told + variables))

    assert len(asked) > 20
    assert asked - there == set()


def test_every_metric_is_shown() -> None:
    """The dashboard leaves out none of the gateway's own."""
    shown = set(NAME.findall("\n".join(expressions(DASHBOARD))))
    shown |= set(NAME.findall(json.dumps(DASHBOARD["templating"])))
    hidden = [f.name for f in FAMILIES if not shown & set(sample_names(f))]

    assert hidden == ["draining"]


def test_panels() -> None:
    """Each has an id, a place of its own, and says what it shows."""
    panels = DASHBOARD["panels"]
    ids = [panel["id"] for panel in panels]
    places = [panel["gridPos"] for panel in panels]

    assert len(set(ids)) == len(ids)
    assert [p for p in places if p["x"] + p["w"] > 24] == []
    assert [(a, b) for a, b in combinations(places, 2) if _overlap(a, b)] == []
    for panel in panels:
        if panel["type"] != "row":
            assert panel["description"].endswith(".")
            assert panel["datasource"]["uid"] == "${datasource}"
            assert all(
                t["datasource"]["uid"] == "${datasource}" for t in panel["targets"]
            )


def test_variables() -> None:
    """It takes whatever data source there is, and shows one gateway or all."""
    variables = {v["name"]: v for v in DASHBOARD["templating"]["list"]}

    assert list(variables) == ["datasource", "job", "instance"]
    assert variables["datasource"]["query"] == "prometheus"
    for expression in expressions(DASHBOARD["panels"]):
        selected = re.findall(r"\{([^}]*)\}", expression)
        assert selected
        assert all('instance=~"$instance"' in each for each in selected)


def test_queries(tmp_path: Path) -> None:
    """Prometheus understands every query of the dashboard."""
    rules = ["groups:", "- name: dashboard", "  rules:"]
    for number, expression in enumerate(expressions(DASHBOARD)):
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        rules += [f"  - record: query_{number}", f"    expr: {json.dumps(expression)}"]
    file = tmp_path / "queries.yml"
    file.write_text("\n".join(rules))
    checked = promtool("check", "rules", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts() -> None:
    """Each rings when it should and not else, as Prometheus' own tool finds."""
    checked = promtool("check", "rules", str(RULES))
    tried = promtool("test", "rules", str(TRIALS))

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_every_alert_is_tried() -> None:
    """Once when it should ring, and once when all is well."""
    tried = re.findall(r"^ *alertname: (\w+)$", TRIALS.read_text(), re.M)

    assert len(set(ALERTS)) == len(ALERTS) > 10
    assert sorted(tried) == sorted(2 * ALERTS)


def test_every_alert_is_explained() -> None:
    """``docs/alerts.md`` has a section for each, which is where the alert leads."""
    document = (ROOT / "docs" / "alerts.md").read_text()
    links = re.findall(r"^ *runbook_url: (\S+)$", RULES.read_text(), re.M)

    assert re.findall(r"^## (\w+)$", document, re.M) == ALERTS
    assert links == [f"docs/alerts.md#{alert.lower()}" for alert in ALERTS]
    anchors = re.findall(r"\]\(#(\w+)\)", document)
    assert set(anchors) <= {alert.lower() for alert in ALERTS}


def _overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    return (
        a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    )
