"""What each metric of the service means. The documentation, the dashboards and the alerts use these names."""

__all__ = ["HELP"]

HELP = {
    "neuromorphic_events_processed_total": (
        "Events that a model gave a verdict on, by model and by the stream that they came from; "
        "stream is empty for events that were posted. Events set aside as dead letters are not counted."
    ),
    "neuromorphic_anomalies_detected_total": (
        "Anomalies told: of the events at or above the model's threshold the first and the strongest of each burst, "
        "by model, stream and anomaly type."
    ),
    "neuromorphic_spike_rate_hertz": (
        "Mean firing rate of the model's reservoir while it is driven, weighted towards the last minute: neurons that "
        "an event made fire (each once an event) by all neurons and by the network time of an event's input."
    ),
    "neuromorphic_neuron_utilization_percent": (
        "Share of the model's reservoir neurons that an event makes fire, mean over events, weighted towards the last "
        "minute, in percent."
    ),
    "neuromorphic_model_accuracy": (
        "Of the events whose true label became known, the share on which the verdict given before the label "
        "(anomaly or not) agreed with it, since the model was loaded; NaN until a label is known."
    ),
    "neuromorphic_verdict_latency_seconds": (
        "Time from handing a batch of events to the model until its verdicts were there, by model; "
        "transport and storage are not in it."
    ),
    "neuromorphic_dead_letters_total": (
        "Events that could not be scored and were set aside with a reason, by model and stream."
    ),
    "neuromorphic_population_utilization_percent": (
        "The same by population bucket: share of the bucket's neurons that an event makes fire, mean over events, "
        "weighted towards the last minute, in percent. Buckets split the neurons in their order into equal parts."
    ),
    "neuromorphic_backlog_messages": (
        "What a stream holds that its model has not acknowledged, by model and stream, in the bus's own messages, "
        "each up to 4,096 events of one shard. Every replica tells the same: take the maximum, not the sum. NaN while "
        "the bus does not answer."
    ),
    "neuromorphic_lag_seconds": (
        "Age of the oldest message of the backlog, by model and stream; 0 without a backlog, NaN while the bus does "
        "not answer. Every replica tells the same."
    ),
    "neuromorphic_checkpoint_age_seconds": (
        "Of the shards that this replica works on, the longest time for which scored events have not been in a "
        "checkpoint, by model and stream, to within 5 s; 0 where every one is."
    ),
    "neuromorphic_worker_failing": (
        "1 while this replica's worker of a model and stream waits for the bus or the store, or fails; else 0."
    ),
}
