"""A papermill engine that starts each kernel with an environment of its own and tells of each cell that is done."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Progress", "execute"]

Progress = Callable[[int, int], None]
"""Told after each cell: cells done, cells in all."""


def execute(
    source: str,
    target: str,
    parameters: Mapping[str, object],
    *,
    environment: Mapping[str, str],
    timeout_s: int,
    start_timeout_s: int,
    progress: Progress | None,
) -> Any:  # noqa: ANN401 - a notebook node of nbformat
    """Run a notebook through papermill; returns the executed notebook, and writes it even where a cell fails.

    papermill gives every kernel the environment of its own process. Runs side by side in threads must join different
    MLflow runs, so the environment is given to the kernel instead.
    """
    import papermill
    from jupyter_client.manager import AsyncKernelManager
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    from snnlab.workflows.local_kernel import OverFiles

    class Manager(OverFiles, AsyncKernelManager):
        pass

    class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types here
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: object) -> Any:  # noqa: ANN401
            client = PapermillNotebookClient(
                nb_man,
                timeout=timeout_s,
                startup_timeout=start_timeout_s,
                kernel_name=kernel_name,
                kernel_manager_class=Manager,
                # Below errors, a kernel only tells what it does.
                extra_arguments=["--IPKernelApp.log_level=40"],
            )
            _tell(nb_man, progress)
            return client.execute(env=dict(environment))

    name = f"snnlab-{id(Engine)}"
    papermill_engines.register(name, Engine)
    try:
        return papermill.execute_notebook(
            source,
            target,
            parameters=dict(parameters),
            engine_name=name,
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=timeout_s,
            start_timeout=start_timeout_s,
        )
    finally:
        papermill_engines._engines.pop(name, None)  # noqa: SLF001 - papermill registers but does not forget


def _tell(nb_man: Any, progress: Progress | None) -> None:  # noqa: ANN401 - papermill's manager of a notebook
    if progress is None:
        return
    complete, total = nb_man.cell_complete, len(nb_man.nb.cells)

    def told(cell: object, cell_index: int | None = None, **kwargs: object) -> None:
        complete(cell, cell_index=cell_index, **kwargs)
        progress((cell_index or 0) + 1, total)

    nb_man.cell_complete = told
