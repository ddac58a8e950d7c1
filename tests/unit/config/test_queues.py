"""Which task waits in which queue, and that nobody is left without a worker."""

from __future__ import annotations

from django.conf import settings

from config.celery import app
from config.queues import DOORS, ROUTES, SLOW
from tests.support.image import services

#: A door waits for these, or they wake doors.
FOR_DOORS = {
    "pins.tasks.run_lock",
    "pins.tasks.sweep",
    "pins.tasks.check_drift",
    "pins.tasks.watch_offline",
}


def test_every_task_is_slow_work_or_a_door_waits_for_it() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith(("celery.", "tests."))}
    assert set(ROUTES) | FOR_DOORS == ours
    assert not set(ROUTES) & FOR_DOORS


def test_a_message_goes_to_one_queue_only() -> None:
    """A queue without a routing key of its own would get those of the default queue too."""
    sends = {name: app.amqp.router.route({}, name)["queue"] for name in (*ROUTES, *FOR_DOORS)}
    assert {name for name, queue in sends.items() if queue.name == SLOW} == set(ROUTES)
    assert {name for name, queue in sends.items() if queue.name == DOORS} == FOR_DOORS
    assert len({queue.routing_key for queue in sends.values()}) == 2


def test_a_worker_without_options_takes_every_queue() -> None:
    assert set(app.amqp.queues.consume_from) == {DOORS, SLOW}


def test_slow_work_has_threads_of_its_own() -> None:
    slow = settings.FEED_MAX_IN_FLIGHT + settings.NOTIFY_MAX_IN_FLIGHT + len(settings.CELERY_BEAT_SCHEDULE)
    assert app.conf.worker_concurrency - slow == settings.TEDEE_MAX_IN_FLIGHT


def test_the_workers_of_compose_take_every_queue_between_them() -> None:
    workers = [one["command"] for one in services().values() if "worker" in one.get("command", [])]
    assert {command[command.index("-Q") + 1] for command in workers} == {DOORS, SLOW}
    (slow,) = [command for command in workers if SLOW in command]
    room = settings.FEED_MAX_IN_FLIGHT + settings.NOTIFY_MAX_IN_FLIGHT
    assert int(slow[slow.index("--concurrency") + 1]) > room, "a periodic task would wait for calendars that hang"


def test_each_service_of_ours_can_be_there_several_times() -> None:
    """`--scale worker=4` needs a service without a name, an address or a port of the host."""
    for name, service in services().items():
        assert "container_name" not in service
        assert "hostname" not in service
        if service.get("image") == "turnkey" and name != "web":
            assert "ports" not in service
    assert services()["beat"]["deploy"]["replicas"] == 2


def test_redis_of_compose_has_a_password_and_drops_no_message() -> None:
    redis = services()["redis"]["command"]
    assert redis[redis.index("--maxmemory-policy") + 1] == "noeviction"
    assert redis[redis.index("--requirepass") + 1].startswith("${REDIS_PASSWORD:?")
    assert "${REDIS_PASSWORD" in services()["web"]["environment"]["REDIS_URL"]
