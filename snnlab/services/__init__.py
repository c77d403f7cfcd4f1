"""Real servers on this machine, for development and tests: Apache Pulsar and Apache Ignite on loopback.

``up`` starts those named, or finds them running; ``down`` ends them. They come from Docker Compose where a Docker
engine answers, else from Java and Maven. A server's state file, log and data lie below ``SNNLAB_HOME``.
"""

from snnlab.services.control import NAMES, down, missing, status, up
from snnlab.services.record import Running

__all__ = ["NAMES", "Running", "down", "missing", "status", "up"]
