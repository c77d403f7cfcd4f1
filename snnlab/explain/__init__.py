"""Why an event was flagged: which evidence, compared with what, in one sentence, and through which spikes."""

from snnlab.explain.attribution import Share, attribution
from snnlab.explain.chains import Chain, Link, spike_chain
from snnlab.explain.departure import Departure, departures
from snnlab.explain.narrative import narrate

__all__ = ["Chain", "Departure", "Link", "Share", "attribution", "departures", "narrate", "spike_chain"]
