import json
import logging
import os
import subprocess
import sys

import pytest

from snnlab import logs
from snnlab.errors import ConfigError
from snnlab.logs import logger

PROGRAM = """
import logging, threading, warnings
from snnlab import logs
logs.configure()
log = logs.logger("snnlab.serving", model="web", stream="hosts")
log.debug("checkpoint", shard=1)
log.info("line\\nbroken", event_id="e1", key="k\\"ey", reason="with a-token")
logging.getLogger("uvicorn.error").warning("of %s with k\\"ey", "uvicorn")
logging.getLogger("uvicorn.access").info("not heard")
warnings.warn("old")
try:
    raise ValueError('has k"ey')
except ValueError:
    log.exception("failed")
thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start()
thread.join()
raise RuntimeError("the end")
"""


def run(**settings):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SNNLAB_", "OTEL_"))}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, env=clean | settings, timeout=60
    )


def test_every_line_of_a_process_is_one_json_object_without_the_key():
    done = run(SNNLAB_API_KEY='k"ey', SNNLAB_PULSAR_TOKEN="a-token", SNNLAB_REPLICA="r-1", SNNLAB_LOG_LEVEL="Debug")
    assert (done.returncode, done.stdout) == (1, "")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all({"timestamp", "level", "event", "logger", "replica"} <= set(line) for line in lines)
    assert {line["replica"] for line in lines} == {"r-1"}
    assert 'k"ey' not in done.stderr
    assert json.dumps('k"ey')[1:-1] not in done.stderr
    checkpoint, broken, uvicorn, old, failed, thread, end = lines
    assert list(checkpoint)[:3] == ["timestamp", "level", "event"]
    assert (checkpoint["level"], checkpoint["shard"], checkpoint["model"]) == ("debug", 1, "web")
    assert (broken["event"], broken["event_id"], broken["key"]) == ("line\nbroken", "e1", "[secret]")
    assert broken["reason"] == "with [secret]"
    assert (uvicorn["event"], uvicorn["logger"]) == ("of uvicorn with [secret]", "uvicorn.error")
    assert "old" in old["event"]
    assert "Traceback" in failed["exception"]
    assert (thread["thread"], "ZeroDivisionError" in thread["exception"]) == ("worker", True)
    assert (end["level"], "RuntimeError: the end" in end["exception"]) == ("critical", True)


def test_a_level_and_text_may_be_asked_for():
    done = run(SNNLAB_LOG="text", SNNLAB_LOG_LEVEL="error")
    assert "checkpoint" not in done.stderr
    assert "uvicorn" not in done.stderr
    assert "failed" in done.stderr
    assert "model=web" in done.stderr
    assert not done.stderr.lstrip().startswith("{")


@pytest.mark.parametrize("settings", [{"SNNLAB_LOG": "xml"}, {"SNNLAB_LOG_LEVEL": "loud"}])
def test_words_that_are_not_known_are_told(settings):
    with pytest.raises(ConfigError, match=r"xml.*json, text|loud.*debug, info, warning, error"):
        logs.configure(environment=settings)


def test_importing_configures_nothing_and_warnings_are_shown_as_text(python, caplog):
    assert python("import logging, snnlab.logs, snnlab.serving.worker; print(logging.getLogger().handlers)") == "[]\n"
    with caplog.at_level(logging.WARNING):
        logger("snnlab.tests", model="web").warning("shard lost", shard=3)
        logger("snnlab.tests").info("not heard")
    told = [record.getMessage() for record in caplog.records if record.name == "snnlab.tests"]
    assert told == ["event='shard lost' model='web' shard=3"]
