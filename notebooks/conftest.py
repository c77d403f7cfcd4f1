"""The notebooks' tests start kernels side by side, which must not find each other's ports."""

import nbval.kernel
from jupyter_client.manager import KernelManager

from snnlab.workflows.local_kernel import OverFiles


class _Manager(OverFiles, KernelManager):
    """What nbval starts kernels with."""


nbval.kernel.KernelManager = _Manager
