import os
import socket
import subprocess
import sys

import pytest

from snnlab import services
from snnlab.errors import ConfigError
from snnlab.services import control, maven, ports, process
from snnlab.services.record import Record, Running


def test_servers_that_run_are_found_and_not_started_again(services_home, servers):
    before = servers
    assert services.up(services_home, ["ignite"])["ignite"] == before["ignite"]
    assert {one.name: healthy for one, healthy in services.status(services_home)} == {"pulsar": True, "ignite": True}
    assert before["pulsar"].url == f"pulsar://127.0.0.1:{before['pulsar'].port}"


def test_a_home_runs_the_programs_of_another_on_data_of_its_own(services_home, servers, tmp_path):
    programs = Record(services_home).folder / "ignite" / "software"
    before = sorted(path.name for path in programs.rglob("*"))
    try:
        other = services.up(tmp_path, ["ignite"], software=services_home)["ignite"]
        assert other.url != servers["ignite"].url
        assert [(one.name, healthy) for one, healthy in services.status(tmp_path)] == [("ignite", True)]
    finally:
        services.down(tmp_path, wipe=True)
    assert not (Record(tmp_path).folder / "ignite").exists()
    assert sorted(path.name for path in programs.rglob("*")) == before


@pytest.mark.parametrize("left_empty", [False, True])
def test_programs_that_the_other_home_lacks_are_put_there(tmp_path, monkeypatch, left_empty):
    asked = []

    def fetched(folder, *words):
        asked.append(words)
        (folder / "server.jar").write_text("of Maven")

    monkeypatch.setattr(maven, "_mvn", fetched)
    software, place = tmp_path / "programs" / "ignite" / "software", tmp_path / "own" / "ignite" / "software"
    if left_empty:
        software.mkdir(parents=True)
    for _ in range(2):
        control._share(software, place)
        assert (maven.libraries(tmp_path / "pom.xml", place) / "server.jar").read_text() == "of Maven"
    assert maven.libraries(tmp_path / "pom.xml", software) == software
    assert len(asked) == 1
    assert place.is_symlink()
    assert [path.name for path in software.parent.iterdir()] == ["software"]


def test_an_unknown_server_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no server 'kafka'; there is pulsar, ignite and prometheus"):
        services.up(tmp_path, ["kafka"])


def test_what_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(control.docker, "answers", lambda: False)
    monkeypatch.setattr(control.shutil, "which", lambda _: None)
    assert services.missing() == "no Docker engine answers, and there is no java and no mvn"
    with pytest.raises(ConfigError, match="install Java 17 and Maven, or start Docker"):
        services.up(tmp_path)
    assert services.missing(["prometheus"]) == "no Docker engine answers, and there is no apt-get and no dpkg-deb"
    with pytest.raises(ConfigError, match="install apt"):
        services.up(tmp_path, ["prometheus"])


def test_a_port_that_is_taken_is_not_chosen(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = ports.choose(wanted=taken.getsockname()[1], kept=tmp_path / "port")
        assert port != taken.getsockname()[1]
        assert ports.choose(wanted=taken.getsockname()[1] - 5, kept=tmp_path / "port") == port
        assert ports.choose(5, wanted=taken.getsockname()[1] - 5) != taken.getsockname()[1] - 5


def test_only_a_process_with_the_mark_is_ended(tmp_path):
    program = "import sys, time; print('up', flush=True); time.sleep(60)"
    pid = process.start([sys.executable, "-c", program, str(tmp_path)], folder=tmp_path, log=tmp_path / "log")
    assert process.alive(pid, str(tmp_path))
    process.end(pid, "another mark")
    assert process.alive(pid, str(tmp_path))
    process.end(pid, str(tmp_path))
    assert not process.alive(pid, str(tmp_path))
    assert not process.alive(os.getpid(), str(tmp_path))


def test_servers_that_are_gone_are_not_told_of(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    record = Record(tmp_path)
    with record.locked():
        record.write({"ignite": Running("ignite", "ignite://127.0.0.1:1", "java", 0, gone.pid, str(tmp_path), "log")})
    assert services.status(tmp_path) == []
    assert services.down(tmp_path) == []
    assert record.read() == {}
