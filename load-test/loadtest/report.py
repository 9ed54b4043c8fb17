"""The report: one value with everything that was measured, as a table and as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loadtest.broker import InKafka
from loadtest.stats import Percentiles


@dataclass(frozen=True, slots=True)
class Report:
    """Counts are events unless they say otherwise; times are seconds, latencies milliseconds."""

    run: str
    settings: Mapping[str, Any]
    elapsed_s: float
    """From the first request to the last answer."""
    counted_after_s: float | None
    """From the first request until the engine had counted the last event."""
    sent: int
    accepted: int
    rejected: int
    refused: Mapping[str, int]
    unanswered: int
    kafka: InKafka | None
    counted: int | None
    alerts_fired: int
    alerts_of_run: int
    alerts_of_run_delivered: int | None
    """None: nobody asked."""
    deliveries: int
    deliveries_failed: int
    accept: Percentiles
    engine_lag: Percentiles
    lag_growth: float | None
    """Events a second by which the engine fell behind while the load went on."""
    alert_decided: Percentiles
    alert_written: Percentiles
    alert_delivered: Percentiles
    alert_judged: Percentiles
    """Of percentiles and rates, which wait for their pane to end."""
    cpu_us_per_event: Mapping[str, float]
    problems: tuple[str, ...] = ()
    """What could not be measured, in sentences."""

    def losses(self) -> list[str]:
        """Return a sentence for each event that is missing, or counted twice."""
        return list(_losses(self))

    def as_json(self) -> dict[str, Any]:
        """Return the whole report; the verdict is `ok`, `lost` or `unknown`."""
        return {
            "run": self.run,
            "verdict": verdict(self),
            "losses": self.losses(),
            "problems": list(self.problems),
            "settings": dict(self.settings),
            "elapsedSeconds": round(self.elapsed_s, 3),
            "countedAfterSeconds": self.counted_after_s and round(self.counted_after_s, 3),
            "sent": self.sent,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "refused": dict(self.refused),
            "unanswered": self.unanswered,
            "kafka": self.kafka and self.kafka._asdict(),
            "counted": self.counted,
            "eventsPerSecond": {"accepted": rate(self.accepted, self.elapsed_s),
                                "counted": rate(self.counted or 0, self.counted_after_s)},
            "lagGrowth": self.lag_growth and round(self.lag_growth, 1),
            "alerts": {"fired": self.alerts_fired, "ofThisRun": self.alerts_of_run,
                       "ofThisRunDelivered": self.alerts_of_run_delivered},
            "deliveries": {"success": self.deliveries, "failure": self.deliveries_failed},
            "latencyMs": {"accept": self.accept.as_json(), "engineLag": self.engine_lag.as_json(),
                          "acceptedToDecided": self.alert_decided.as_json(),
                          "acceptedToWritten": self.alert_written.as_json(),
                          "acceptedToDelivered": self.alert_delivered.as_json(),
                          "acceptedToJudged": self.alert_judged.as_json()},
            "cpuMicrosecondsPerEvent": dict(self.cpu_us_per_event),
        }  # fmt: skip


def verdict(report: Report) -> str:
    """Return `ok`, `lost`, or `unknown` when a stage could not be asked."""
    if report.losses():
        return "lost"
    return "unknown" if report.kafka is None or report.counted is None else "ok"


def rate(events: int, seconds: float | None) -> int:
    """Return events a second, 0 without a time."""
    return round(events / seconds) if seconds else 0


def render(report: Report) -> str:
    """Return the report as a person reads it."""
    return "\n".join([*_counts(report), *_latencies(report), *_cpu(report), *_verdict(report)])


def _losses(report: Report) -> Iterator[str]:
    kafka, counted = report.kafka, report.counted
    if not report.accepted:
        yield "nothing was accepted"
    if kafka is None:
        return
    if kafka.own_events < report.accepted:
        yield f"{report.accepted - kafka.own_events} accepted events are not in Kafka"
    unsure = report.unanswered + sum(report.refused.values())
    if kafka.own_events > report.accepted + unsure:
        yield f"{kafka.own_events - report.accepted} events are in Kafka under two batch ids"
    if counted is not None and counted < kafka.events - kafka.repeated_events:
        yield f"{kafka.events - kafka.repeated_events - counted} events in Kafka were not counted"
    if counted is not None and counted > kafka.events:
        yield f"{counted - kafka.events} events were counted twice"
    delivered = report.alerts_of_run_delivered
    if delivered is not None and delivered < report.alerts_of_run:
        missing = report.alerts_of_run - delivered
        yield f"{missing} of {report.alerts_of_run} alerts were not delivered in time"


def _counts(report: Report) -> Iterator[str]:
    kafka = report.kafka
    yield ""
    yield f"Run {report.run}: {report.elapsed_s:.1f} s"
    yield f"  sent       {report.sent:>12,}"
    yield (f"  accepted   {report.accepted:>12,}   {rate(report.accepted, report.elapsed_s):,}/s")
    yield f"  rejected   {report.rejected:>12,}"
    for reason, count in sorted(report.refused.items()):
        yield f"  refused    {count:>12,}   {reason}"
    if report.unanswered:
        yield f"  unanswered {report.unanswered:>12,}"
    if kafka is None:
        yield "  in Kafka              ?"
    else:
        others = kafka.events - kafka.own_events - kafka.repeated_events
        notes = [f"{kafka.records:,} records"]
        notes += [f"{kafka.repeated_events:,} repeated"] if kafka.repeated_events else []
        notes += [f"{others:,} of other senders"] if others else []
        yield f"  in Kafka   {kafka.own_events:>12,}   {', '.join(notes)}"
    shown = "?" if report.counted is None else f"{report.counted:,}"
    speed = rate(report.counted or 0, report.counted_after_s)
    yield f"  counted    {shown:>12}   {speed:,}/s end to end"
    if report.lag_growth is not None and report.elapsed_s and report.accepted:
        share = report.lag_growth * report.elapsed_s / report.accepted
        yield f"  lag grows  {report.lag_growth:>12,.0f}/s ({share:.1%} of the load)"
    yield f"  alerts     {report.alerts_fired:>12,}   {report.alerts_of_run:,} of this run"
    yield f"  deliveries {report.deliveries:>12,}   {report.deliveries_failed:,} failed attempts"


def _latencies(report: Report) -> Iterator[str]:
    yield ""
    yield "Latency in ms                     p50      p95      p99      max        n"
    for name, values in (
        ("request due → accepted", report.accept),
        ("accepted → counted (sampled)", report.engine_lag),
        ("accepted → alert decided", report.alert_decided),
        ("accepted → alert in its topic", report.alert_written),
        ("accepted → alert delivered", report.alert_delivered),
        ("accepted → percentile judged", report.alert_judged),
    ):
        cells = (values.p50, values.p95, values.p99, values.longest)
        shown = "".join("        -" if cell is None else f"{cell:9.1f}" for cell in cells)
        yield f"  {name:<28}{shown}{values.measured:9,}"


def _cpu(report: Report) -> Iterator[str]:
    if not report.cpu_us_per_event:
        return
    yield ""
    yield "CPU in µs per accepted event"
    for name, cost in sorted(report.cpu_us_per_event.items(), key=lambda item: -item[1]):
        yield f"  {name:<28}{cost:9.2f}"
    yield f"  {'all together':<28}{sum(report.cpu_us_per_event.values()):9.2f}"


def _verdict(report: Report) -> Iterator[str]:
    yield ""
    for problem in report.problems:
        yield f"Not measured: {problem}"
    word = verdict(report)
    if word == "lost":
        yield "LOST: " + "; ".join(report.losses()) + "."
    elif word == "unknown":
        yield "UNKNOWN: a stage could not be asked, so nothing can be said about losses."
    else:
        yield "OK: nothing lost, nothing counted twice."
