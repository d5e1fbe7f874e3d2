"""Logs as JSON lines, metrics for Prometheus, traces where the extra `otel` is installed and `OTEL_*` is set."""

import logging
import os
import sys
from dataclasses import dataclass

import stamina
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True)
class Metrics:
    published: Counter
    received: Counter
    waiting: Gauge
    parked: Gauge
    alarm: Gauge
    requests: Histogram


def make_metrics(registry: CollectorRegistry = REGISTRY) -> Metrics:
    return Metrics(
        published=Counter("holdfast_messages_published", "Messages published", ["service"], registry=registry),
        received=Counter("holdfast_messages_received", "Messages received", ["service", "type"], registry=registry),
        waiting=Gauge("holdfast_keys_waiting", "Keys whose message failed", ["service"], registry=registry),
        parked=Gauge("holdfast_keys_parked", "Keys that wait for a person", ["service"], registry=registry),
        alarm=Gauge("holdfast_alarm", "More than 0: a person must look now", ["service", "kind"], registry=registry),
        requests=Histogram(
            "holdfast_request_seconds",
            "Time to answer",
            ["service", "method", "route", "status"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        ),
    )


DEFAULT_METRICS = make_metrics()


stamina.instrumentation.set_on_retry_hooks([])  # they would log what an error says, which may repeat personal data


def configure_logging(level: str) -> None:
    """JSON lines on standard error. Only ids and words of ours are ever logged."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def configure_tracing(service: str) -> None:
    """Sends the spans that FastAPI makes by itself to `OTEL_EXPORTER_OTLP_ENDPOINT`, if that is set."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        structlog.get_logger().warning("tracing.not_installed", install="holdfast[otel]")
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"holdfast-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
