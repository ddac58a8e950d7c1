"""The figures in the words of Prometheus. The names and labels are an interface: dashboards and alerts use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pins.core.marks import Mark, Verdict
from pins.measures import counting, promise
from pins.measures.figures import Figures


def expose(figures: Figures, accept: str) -> tuple[bytes, str]:
    """The answer to a scrape and its content type: OpenMetrics or Prometheus' text, as the header `Accept` asks."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry()
    registry.register(_Collected(figures))
    return encode(registry), content_type


class _Collected(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Each metric, with a series for every label that can occur: an alert on a missing series never fires."""
        yield from _codes(self._figures)
        yield from _promise(self._figures)
        yield from _requests(self._figures)
        yield from _operation(self._figures)
        yield from _calendars(self._figures)


def _codes(figures: Figures) -> Iterator[Metric]:
    yield GaugeMetricFamily("turnkey_codes_due", "Codes on locks with something to do now.", figures.due)
    yield GaugeMetricFamily("turnkey_codes_overdue", "Of those, codes whose deadline is past.", figures.overdue)
    yield GaugeMetricFamily(
        "turnkey_arrivals_at_risk",
        "Stays that begin within CODE_WARN_HOURS and have a code that is not confirmed on its lock.",
        figures.at_risk,
    )
    histogram = HistogramMetricFamily(
        "turnkey_code_set_seconds", "From the moment when a code is due on its lock until it is confirmed there."
    )
    counted, total = figures.tallies.get(counting.SET_BUCKET, {}), figures.tallies.get(counting.SET_SUM, {})
    histogram.add_metric([], list(_cumulative(counted)), total.get("", 0.0))
    yield histogram


def _cumulative(counted: Mapping[str, float]) -> Iterable[tuple[str, float]]:
    so_far = 0.0
    for bound in counting.BOUNDS:
        so_far += counted.get(str(bound), 0.0)
        yield str(float(bound)), so_far  # as Prometheus writes numbers
    yield "+Inf", so_far + counted.get("+Inf", 0.0)


def _promise(figures: Figures) -> Iterator[Metric]:
    total = CounterMetricFamily(
        "turnkey_arrivals",
        "Stays that began, by whether all their codes were confirmed so long before check-in.",
        labels=["before", "result"],
    )
    counted = figures.tallies.get(promise.ARRIVALS, {})
    for mark in Mark:
        for verdict in Verdict:
            value = counted.get(f"{mark.value},{verdict.value}", 0.0)
            total.add_metric([mark.value, verdict.value], value)
    yield total
    arrivals = GaugeMetricFamily(
        "turnkey_arrivals_lately", "Arrivals of the last 30 days to which the mark applies.", labels=["before"]
    )
    share = GaugeMetricFamily(
        "turnkey_confirmed_ratio",
        "Share of these arrivals whose codes were all confirmed so long before check-in, 0 to 1.",
        labels=["before"],
    )
    for kept in figures.promise:
        arrivals.add_metric([kept.mark.value], kept.arrivals)
        if kept.share is not None:
            share.add_metric([kept.mark.value], kept.share)
    yield arrivals
    yield share


def _requests(figures: Figures) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "turnkey_requests",
        "Requests about codes on locks: what was asked, what came of it, and why it failed.",
        labels=["kind", "outcome", "cause"],
    )
    for label, value in figures.tallies.get(counting.ANSWERS, {}).items():
        requests.add_metric(label.split(","), value)
    yield requests
    left = GaugeMetricFamily("turnkey_budget_left", "Requests that may be sent now.", labels=["account"])
    limit = GaugeMetricFamily("turnkey_budget_limit", "Requests that a whole window allows.", labels=["account"])
    for one in figures.budgets:
        left.add_metric([str(one.account)], one.left)
        limit.add_metric([str(one.account)], one.limit)
    yield left
    yield limit


def _operation(figures: Figures) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "turnkey_heartbeat_age_seconds",
        "Since a periodic task last began. Task “beat”: since the schedule last sent a sweep.",
        labels=["task"],
    )
    took = GaugeMetricFamily(
        "turnkey_task_duration_seconds", "How long the last complete run of a periodic task took.", labels=["task"]
    )
    waited = GaugeMetricFamily(
        "turnkey_queue_delay_seconds", "How long the last message of a periodic task waited.", labels=["task"]
    )
    for beat in figures.beats:
        age.add_metric([beat.name], beat.age)
        if beat.seconds is not None:
            took.add_metric([beat.name], beat.seconds)
        if beat.waited is not None:
            waited.add_metric([beat.name], beat.waited)
    yield age
    yield took
    yield waited
    incidents = GaugeMetricFamily(
        "turnkey_incidents_open", "What a person must know, as under “To fix”.", labels=["kind", "severity"]
    )
    for (kind, severity), number in figures.incidents.items():
        incidents.add_metric([kind, severity], number)
    yield incidents


def _calendars(figures: Figures) -> Iterator[Metric]:
    yield GaugeMetricFamily("turnkey_feeds_active", "Calendars that are switched on.", figures.feeds.active)
    troubled = GaugeMetricFamily(
        "turnkey_feeds_troubled", "Calendars in this condition; one may be in several.", labels=["condition"]
    )
    for condition, number in figures.feeds.conditions.items():
        troubled.add_metric([condition], number)
    yield troubled
    if figures.feeds.oldest is not None:
        yield GaugeMetricFamily(
            "turnkey_feed_age_seconds",
            "Since the calendar that waits longest was read without fault.",
            figures.feeds.oldest,
        )
