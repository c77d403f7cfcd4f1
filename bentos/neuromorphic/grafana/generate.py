"""Write the three dashboards into ``dashboards/``, as Grafana's own model of a dashboard has them.

    python bentos/neuromorphic/grafana/generate.py

It needs ``snnlab[dev]``. Backlog and lag are the same from every replica, so that their maximum is shown; what each
replica counts of its own is added up.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable
from grafana_foundation_sdk.builders.heatmap import HeatmapColorOptions, YAxisConfig
from grafana_foundation_sdk.builders.heatmap import Panel as Heatmap
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Lines
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import Dashboard as Model
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableOption, VariableRefresh
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

__all__ = ["dashboards"]

_SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
_OF_MODEL = 'model=~"$model"'


def _query(expr: str, legend: str, shape: PromQueryFormat = PromQueryFormat.TIME_SERIES) -> Dataquery:
    return Dataquery().datasource(_SOURCE).expr(expr).legend_format(legend).format(shape).range().ref_id("A")


def _lines(title: str, told: str, unit: str, queries: Mapping[str, str], width: int = 12) -> Lines:
    """Lines over time: legend to query."""
    legend = VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)  # noqa: FBT003 - Grafana's verb
    panel = Lines().title(title).description(told).unit(unit).datasource(_SOURCE).span(width).height(8).min(0)
    panel.legend(legend.placement(LegendPlacement.BOTTOM)).fill_opacity(8)
    for letter, (name, expr) in zip(ascii_uppercase, queries.items(), strict=False):
        panel.with_target(_query(expr, name).ref_id(letter))
    return panel


def _stat(title: str, told: str, unit: str, expr: str, legend: str = "{{model}}", width: int = 12) -> Stat:
    panel = Stat().title(title).description(told).unit(unit).datasource(_SOURCE).span(width).height(4)
    return panel.with_target(_query(expr, legend))


def _heatmap(
    title: str, told: str, query: Dataquery, *, axis: str = "short", colours: str = "Oranges", height: int = 10
) -> Heatmap:
    """A row for each series of the query, or for each bucket of a histogram."""
    colour = HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme(colours).steps(64)
    panel = Heatmap().title(title).description(told).datasource(_SOURCE).span(24).height(height).calculate(False)  # noqa: FBT003
    return panel.color(colour).y_axis(YAxisConfig().unit(axis)).with_target(query)


def _dashboard(uid: str, title: str, told: str) -> Dashboard:
    source = DatasourceVariable("source").label("Prometheus").type("prometheus")
    model = QueryVariable("model").label("Model").datasource(_SOURCE).multi(True).include_all(True)  # noqa: FBT003
    model.query("label_values(neuromorphic_events_processed_total, model)").refresh(
        VariableRefresh.ON_TIME_RANGE_CHANGED
    )
    model.current(VariableOption(text="All", value="$__all", selected=True))
    made = Dashboard(title).uid(uid).description(told).tags(["neuromorphic"]).timezone("browser").editable()
    made.refresh("10s").time("now-1h", "now").tooltip(DashboardCursorSync.CROSSHAIR)
    return made.with_variable(source).with_variable(model)


def _activity() -> Dashboard:
    rate, share = "neuromorphic_spike_rate_hertz", "neuromorphic_neuron_utilization_percent"
    bucket = "neuromorphic_population_utilization_percent"
    by_bucket = f"avg by (bucket) ({bucket}{{{_OF_MODEL}}})"
    told = "How the reservoirs fire. Single spikes as they come are told by /ws/spikes/{model_id}, for the live raster."
    return (
        _dashboard("neuromorphic-activity", "Network activity", told)
        .with_panel(
            _stat("Firing rate", "While the network is driven.", "hertz", f"avg by (model) ({rate}{{{_OF_MODEL}}})")
        )
        .with_panel(_stat("Neurons used", "By one event.", "percent", f"avg by (model) ({share}{{{_OF_MODEL}}})"))
        .with_panel(
            _stat("Busiest population", "Mean of a bucket.", "percent", f"max by (model) ({bucket}{{{_OF_MODEL}}})")
        )
        .with_panel(
            _stat("Quietest population", "Mean of a bucket.", "percent", f"min by (model) ({bucket}{{{_OF_MODEL}}})")
        )
        .with_panel(
            _heatmap(
                "Activity by population",
                "Share of each population bucket's neurons that an event makes fire, in percent: a row a bucket.",
                _query(by_bucket, "{{bucket}}"),
                colours="Viridis",
                height=14,
            )
        )
        .with_panel(
            _lines("Firing rate", "By model.", "hertz", {"{{model}}": f"avg by (model) ({rate}{{{_OF_MODEL}}})"})
        )
        .with_panel(
            _lines("Neurons used", "By model.", "percent", {"{{model}}": f"avg by (model) ({share}{{{_OF_MODEL}}})"})
        )
    )


def _anomalies() -> Dashboard:
    anomalies, events = "neuromorphic_anomalies_detected_total", "neuromorphic_events_processed_total"
    told_of, scored = f"{anomalies}{{{_OF_MODEL}}}[$__rate_interval]", f"{events}{{{_OF_MODEL}}}[$__rate_interval]"
    right = f"min by (model) (neuromorphic_model_accuracy{{{_OF_MODEL}}})"
    return (
        _dashboard("neuromorphic-anomalies", "Anomaly heatmap", "What was found, of which type, on which stream, when.")
        .with_panel(
            _stat(
                "Anomalies",
                "In the time shown.",
                "short",
                f"sum by (model) (increase({anomalies}{{{_OF_MODEL}}}[$__range]))",
            )
        )
        .with_panel(_stat("Accuracy", "Of the events whose label is known.", "percentunit", right))
        .with_panel(
            _heatmap(
                "Anomalies by type",
                "How many of each type came, at each time.",
                _query(f"sum by (type) (increase({told_of}))", "{{type}}"),
            )
        )
        .with_panel(
            _heatmap(
                "Anomalies by stream",
                "The same by stream; empty for events that were posted.",
                _query(f"sum by (stream) (increase({told_of}))", "{{stream}}"),
                colours="Reds",
            )
        )
        .with_panel(
            _lines(
                "Share of events",
                "Anomalies by events; the first and the strongest of a burst are told.",
                "percentunit",
                {"{{model}}": f"sum by (model) (rate({told_of})) / sum by (model) (rate({scored}))"},
            )
        )
        .with_panel(
            _lines(
                "Anomalies by type",
                "A second.",
                "cps",
                {"{{type}}": f"sum by (type) (rate({told_of}))"},
            )
        )
    )


def _performance() -> Dashboard:
    bucket = f"sum by (le) (rate(neuromorphic_verdict_latency_seconds_bucket{{{_OF_MODEL}}}[$__rate_interval]))"
    by_stream = "by (model, stream)"

    def worst(metric: str) -> dict[str, str]:
        return {"{{model}} on {{stream}}": f"max {by_stream} ({metric}{{{_OF_MODEL}}})"}

    def a_second(metric: str) -> dict[str, str]:
        return {"{{model}} on {{stream}}": f"sum {by_stream} (rate({metric}{{{_OF_MODEL}}}[$__rate_interval]))"}

    quantiles = {f"p{q * 100:g}": f"histogram_quantile({q}, {bucket})" for q in (0.5, 0.9, 0.99)}
    return (
        _dashboard(
            "neuromorphic-performance", "Performance", "Throughput, latency, and how far the workers are behind."
        )
        .with_panel(_stat("Replicas", "That answer.", "short", 'sum(up{job="neuromorphic-service"})', "replicas"))
        .with_panel(
            _stat(
                "Workers that fail",
                "They wait for the bus or the store.",
                "short",
                f"sum(neuromorphic_worker_failing{{{_OF_MODEL}}})",
                "failing",
            )
        )
        .with_panel(_lines("Events", "Scored a second.", "cps", a_second("neuromorphic_events_processed_total"), 24))
        .with_panel(
            _heatmap(
                "Verdict latency",
                "Batches a second by how long their verdicts took.",
                _query(bucket, "{{le}}", PromQueryFormat.HEATMAP),
                axis="s",
            )
        )
        .with_panel(_lines("Verdict latency", "Of a batch, to a bucket's bound.", "s", quantiles))
        .with_panel(_lines("Dead letters", "Set aside a second.", "cps", a_second("neuromorphic_dead_letters_total")))
        .with_panel(_lines("Lag", "Age of the oldest event that waits.", "s", worst("neuromorphic_lag_seconds")))
        .with_panel(_lines("Backlog", "In the bus's messages.", "short", worst("neuromorphic_backlog_messages")))
        .with_panel(
            _lines(
                "Not saved",
                "Since when what was learnt is in no checkpoint.",
                "s",
                worst("neuromorphic_checkpoint_age_seconds"),
            )
        )
        .with_panel(
            _lines(
                "Accuracy",
                "Of the events whose label is known.",
                "percentunit",
                {"{{model}}": f"min by (model) (neuromorphic_model_accuracy{{{_OF_MODEL}}})"},
            )
        )
    )


def dashboards() -> dict[str, str]:
    """The dashboards as JSON, by file name."""
    made = {"activity": _activity(), "anomalies": _anomalies(), "performance": _performance()}
    return {f"{name}.json": _encoded(board.build()) for name, board in made.items()}


def _encoded(board: Model) -> str:
    for number, panel in enumerate(board.panels or (), start=1):
        panel.id_val = number
    return str(JSONEncoder(sort_keys=True, indent=2).encode(board)) + "\n"


if __name__ == "__main__":
    folder = Path(__file__).parent / "dashboards"
    for file, content in dashboards().items():
        (folder / file).write_text(content, encoding="utf-8")
        sys.stdout.write(f"{folder / file}\n")
