"""Real servers on this machine, for development and tests: Pulsar, Ignite and Prometheus on loopback.

``up`` starts those named, or finds them running; ``down`` ends them. They come from Docker Compose where a Docker
engine answers, else Pulsar and Ignite from Java and Maven, and Prometheus from Debian's package. A server's state file,
log and data lie below ``SNNLAB_HOME``.
"""

from snnlab.services.control import ALL, NAMES, down, missing, status, up
from snnlab.services.record import Running

__all__ = ["ALL", "NAMES", "Running", "down", "missing", "status", "up"]
