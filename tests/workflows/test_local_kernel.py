"""Kernels that run side by side, and share no ports that both might find free."""

import pytest
from jupyter_client.manager import KernelManager

from snnlab.workflows.local_kernel import OverFiles


class Manager(OverFiles, KernelManager):
    pass


@pytest.mark.parametrize(("below", "transport"), [((), "ipc"), (("deep-folder",) * 12, "tcp")])
def test_a_kernel_answers_and_leaves_nothing(tmp_path_factory, monkeypatch, below, transport):
    folder = tmp_path_factory.mktemp("k").joinpath(*below)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
    manager = Manager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        assert manager.get_connection_info()["transport"] == transport
        assert client.execute_interactive("1 + 1", timeout=60)["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not list(folder.iterdir())


def test_two_kernels_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    assert Manager().connection_file != Manager().connection_file
