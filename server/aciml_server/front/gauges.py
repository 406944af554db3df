"""What is looked at when somebody asks for metrics: workers, queue, connections, processes, the certificate."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, List, Tuple

from .. import logs
from ..settings import Settings
from .certificate import expiry_of_file
from .exposition import Page

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def write(page: Page, site: Any, settings: Settings) -> None:
    """Write all gauges, and counters that others keep."""
    _pool(page, site.pool)
    page.gauge("aciml_connections", "Open connections of the service's port.", len(site.connections))
    if site.cache is not None:
        page.counter("aciml_cache_hits_total", "Answers that were kept.", site.cache.hits)
        page.counter("aciml_cache_misses_total", "Answers that were not kept.", site.cache.misses)
        page.gauge("aciml_cache_bytes", "Size of what is kept.", site.cache.size)
    page.counter("aciml_log_lines_dropped_total", "Log lines that nobody read.", logs.sheet.dropped)
    telemetry = site.books.telemetry
    if telemetry is not None:
        for name, told, attribute in (
            ("aciml_telemetry_sent_total", "Telemetry items that arrived.", "sent"),
            ("aciml_telemetry_dropped_total", "Telemetry items that were given up.", "dropped"),
        ):
            page.family(name, "counter", told)
            for sender in telemetry.senders:
                page.sample(name, getattr(sender, attribute), to=sender.name)
    expiry = expiry_of_file(settings.tls_cert) if settings.tls_cert else None
    if expiry is not None:
        page.gauge("aciml_tls_certificate_expiry_timestamp_seconds", "When the certificate ends, UTC.", expiry)
    _processes(page, [backend.process.pid for backend in site.pool.backends])


def _pool(page: Page, pool: Any) -> None:
    page.gauge("aciml_requests_in_flight", "Requests that workers have, or that wait for one.", pool.in_flight)
    page.gauge("aciml_queue_length", "Requests that wait for a worker.", pool.queued)
    page.family("aciml_workers", "gauge", "Worker processes by state.")
    ready = sum(1 for backend in pool.backends if backend.ready and not backend.ended)
    page.sample("aciml_workers", ready, state="ready")
    page.sample("aciml_workers", len(pool.backends) - ready, state="starting")
    page.family("aciml_worker_ends_total", "counter", "Workers that ended though nobody asked them to, by reason.")
    for reason, count in pool.ends.items():
        page.sample("aciml_worker_ends_total", count, reason=reason)
    sizes: Dict[int, int] = pool.batches
    if sizes:
        page.family("aciml_batch_size", "histogram", "Requests that run_batch() got at once.")
        counts = [0] * (len(_SIZES) + 1)
        for size, count in sizes.items():
            counts[next((at for at, bound in enumerate(_SIZES) if size <= bound), len(_SIZES))] += count
        page.histogram("aciml_batch_size", _SIZES, counts, sum(size * count for size, count in sizes.items()))


def _processes(page: Page, workers: Iterable[int]) -> None:
    """Write memory and time of the front and of all workers together; only where there is ``/proc``."""
    front, pids = (os.getpid(),), list(workers)
    if not os.path.exists("/proc/self/statm"):
        return
    import resource

    # of workers that ended: a counter that falls looks like a restart to Prometheus
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    page.family("aciml_process_resident_memory_bytes", "gauge", "Memory of the front, and of all workers together.")
    usage: List[Tuple[str, float, int]] = []
    for name, of, before in (("front", front, 0.0), ("workers", tuple(pids), ended.ru_utime + ended.ru_stime)):
        found = [_usage(pid) for pid in of]
        usage.append((name, before + sum(seconds for seconds, _ in found), sum(size for _, size in found)))
    for name, _, size in usage:
        page.sample("aciml_process_resident_memory_bytes", size, process=name)
    page.family(
        "aciml_process_cpu_seconds_total", "counter", "Processor time of the front, and of all workers together."
    )
    for name, seconds, _ in usage:
        page.sample("aciml_process_cpu_seconds_total", round(seconds, 3), process=name)


def _usage(pid: int) -> Tuple[float, int]:
    """Return processor time in seconds and resident memory in bytes (proc(5)); zeros for a process that is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            # the name before it may have spaces and parentheses of its own (proc(5)); what follows begins with field 3
            values = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0, 0
    # fields 14 and 15, utime and stime; field 24 below is rss, in pages
    ticks = int(values[11]) + int(values[12])
    return ticks / os.sysconf("SC_CLK_TCK"), int(values[21]) * os.sysconf("SC_PAGE_SIZE")
