"""Recurrent spiking networks: what they are made of, how they learn, and the engines that run them."""

from snnlab.reservoirs.batches import accelerated, replay, sweep
from snnlab.reservoirs.engines import NAMES, Activity, Engine, Raster, engine
from snnlab.reservoirs.network import Network

__all__ = ["NAMES", "Activity", "Engine", "Network", "Raster", "accelerated", "engine", "replay", "sweep"]
