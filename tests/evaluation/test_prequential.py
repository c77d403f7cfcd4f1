import numpy as np
import pytest

from snnlab.errors import ConfigError
from snnlab.evaluation import run


@pytest.mark.parametrize("batch", [1, 7, 100, 599, 10_000])
def test_the_batch_size_changes_nothing(detector, stream, batch):
    verdicts = run(detector, stream, batch=batch)
    assert verdicts.event_id == stream.events.event_ids
    np.testing.assert_array_equal(verdicts.score[1:], np.abs(np.diff(stream.events.values[:, 0])))
    assert verdicts.groups.shape == (600, 1)
    assert verdicts.group_names == ("value",)


def test_a_frozen_run_learns_from_the_training_rows_only(detector, stream):
    run(detector, stream, learn=False, batch=64)
    assert detector.learnt == [True] * 100 + [False] * 500


def test_an_empty_stream_gives_no_verdicts(detector, stream):
    assert len(run(detector, stream.slice(0, 0)).score) == 0


def test_progress_is_shown_when_asked(detector, stream, capsys):
    run(detector, stream, progress=True)
    assert "scoring steps" in capsys.readouterr().err


def test_a_batch_of_nothing_is_refused(detector, stream):
    with pytest.raises(ConfigError, match="batch is 0"):
        run(detector, stream, batch=0)
