"""A Celery application whose broker is Redis. Its workers come and go with the queue (README.md beside it).

`celery --app app worker` works; `python app.py 200` asks for 200 thumbnails.
"""

import os
import sys
import time
from urllib.parse import quote

from celery import Celery
from redis import Redis

HOST = os.environ.get("REDIS_HOST", "127.0.0.1")
PASSWORD = os.environ.get("REDIS_PASSWORD", "")
LOGIN = f":{quote(PASSWORD, safe='')}@" if PASSWORD else ""
URL = f"redis://{LOGIN}{HOST}:6379/0"

app = Celery("thumbnails", broker=URL)
app.conf.update(
    # A task is acknowledged once it is done: what a worker that died had in hand is handed out again, so tasks must bear that.
    task_acks_late=True,
    # Nothing is taken that cannot be worked on at once: the length of the list says how much there is to do.
    worker_prefetch_multiplier=1,
    # How long until a dead worker's tasks are handed out again: longer than the longest task. They are looked for every 10 s
    # (kombu's unacked_restore_interval) with a throttle of 1, else every 100 s.
    broker_transport_options={"visibility_timeout": 60, "unacked_restore_throttle": 1},
    broker_connection_retry_on_startup=True,
)
redis = Redis.from_url(URL)


# A name of its own: by itself it would be called after the module, which is another one for the producer (`__main__`).
@app.task(name="make_thumbnail")
def make_thumbnail(picture: str) -> None:
    """Takes a second, and leaves a key that Keyferry carries to Kafka."""
    time.sleep(1)
    redis.hset(f"thumbnail:{picture}", mapping={"width": 160, "height": 120})


if __name__ == "__main__":
    count = int(sys.argv[1])
    for number in range(count):
        make_thumbnail.delay(str(number))
    print(f"{count} tasks wait, or are being worked on")
