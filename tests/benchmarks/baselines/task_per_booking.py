"""A plain Celery task for each booking that is tried again after every error: what most projects would write.

`python -m tests.benchmarks.baselines.task_per_booking DEVICE...` sends CODES tasks for each device, and prints when the
last one was sent (seconds since 1970).
"""

from __future__ import annotations

import os
import sys
import time

import httpx
from celery import Celery

from tests.benchmarks.baselines.payload import HEADERS, TIMEOUT, body, url

app = Celery("plain", broker=os.environ.get("BENCH_BROKER", "memory://"))
app.conf.update(task_ignore_result=True, task_default_queue="plain", worker_prefetch_multiplier=1, task_acks_late=True)
app.conf.update(broker_connection_retry_on_startup=True, worker_send_task_events=False)
client = httpx.Client(headers=HEADERS, timeout=TIMEOUT, trust_env=False)


@app.task(
    name="set_code", autoretry_for=(httpx.HTTPError,), retry_backoff=True, retry_backoff_max=600, max_retries=None
)
def set_code(device: int, number: int) -> None:
    client.post(url(device), json=body(number)).raise_for_status()


if __name__ == "__main__":
    devices, codes = [int(one) for one in sys.argv[1:]], int(os.environ["BENCH_CODES"])
    for code in range(codes):
        for place, device in enumerate(devices):
            set_code.delay(device, place * codes + code)
    print(time.time(), flush=True)
