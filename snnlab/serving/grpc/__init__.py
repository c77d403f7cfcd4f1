"""The gRPC interface: the service of ``bentos/neuromorphic/neuromorphic.proto`` over an Application.

``neuromorphic_pb2`` is made from that file by the command at its top, and is not edited.
"""

from snnlab.serving.grpc.server import GrpcServer
from snnlab.serving.grpc.settings import GrpcSettings

__all__ = ["GrpcServer", "GrpcSettings"]
