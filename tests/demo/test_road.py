import os
import signal
import subprocess
import sys
import time

import psutil
import pytest


def demo(folder):
    command = [sys.executable, "-m", "snnlab", "demo", "--fast"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "SNNLAB"))}
    return subprocess.Popen(
        command, cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )


@pytest.mark.slow
def test_a_demo_that_is_stopped_leaves_nothing_running(tmp_path):
    road = demo(tmp_path)
    whole = psutil.Process(road.pid)
    until = time.monotonic() + 200
    while time.monotonic() < until and not any("ipykernel" in " ".join(one.cmdline()) for one in whole.children()):
        time.sleep(0.2)
    family = whole.children(recursive=True)
    assert family
    road.send_signal(signal.SIGINT)
    told, _ = road.communicate(timeout=120)
    assert road.returncode not in {0, None}
    assert "Traceback" not in told
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
