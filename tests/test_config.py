import subprocess
import sys
from pathlib import Path

import pytest

from snnlab.config import NeuromorphicConfig, Settings
from snnlab.errors import ConfigError

SPECIFIED = """
neuromorphic:
  # Network Architecture
  network:
    layers:
      - type: input
        neurons: 1000
        encoding: temporal
      - type: reservoir
        neurons: 10000
        connectivity: 0.1
        spectral_radius: 0.9
      - type: readout
        neurons: 100

  # Neuron Parameters
  neuron:
    model: LIF
    tau_membrane: 20.0  # ms
    tau_synapse: 5.0    # ms
    v_threshold: 1.0
    v_reset: 0.0
    refractory: 2.0     # ms

  # Learning Configuration
  learning:
    algorithm: STDP
    learning_rate: 0.01
    tau_pre: 20.0       # ms
    tau_post: 20.0      # ms

  # Performance Tuning
  performance:
    batch_size: 1000
    spike_precision: float32
    gpu_acceleration: true
    max_neurons_per_core: 1000
"""


def test_the_specified_yaml_is_read_word_for_word():
    config = NeuromorphicConfig.from_yaml(SPECIFIED)
    assert (config.input.neurons, config.input.encoding, config.readout.neurons) == (1000, "temporal", 100)
    assert (config.reservoir.neurons, config.reservoir.connectivity, config.reservoir.spectral_radius) == (
        10000,
        0.1,
        0.9,
    )
    assert (config.neuron.tau_membrane, config.neuron.refractory, config.learning.algorithm) == (20.0, 2.0, "STDP")
    assert config.performance.gpu_acceleration
    assert config.performance.max_neurons_per_core == 1000


def test_yaml_and_json_round_trip(tmp_path):
    config = NeuromorphicConfig.from_yaml(SPECIFIED)
    (tmp_path / "net.yaml").write_text(config.to_yaml())
    assert NeuromorphicConfig.from_yaml(tmp_path / "net.yaml") == config
    assert NeuromorphicConfig.from_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("neuromorphic: {neuron: {tau_mebrane: 3}}", ["'tau_mebrane'", "neuromorphic.neuron", "'tau_membrane'"]),
        ("neuromorphic: {netwrk: 3}", ["'netwrk'", "in neuromorphic", "'network'"]),
        ("neuromorphik: {}", ["'neuromorphik'", "the top of the file", "'neuromorphic'"]),
        (SPECIFIED.replace("connectivity", "conectivity"), ["'conectivity'", "layers.1.reservoir", "'connectivity'"]),
        (SPECIFIED.replace("float32", "float16"), ["spike_precision", "'float16'", "'float32', 'float64' or 'int8'"]),
        (SPECIFIED.replace("model: LIF", "model: IZH"), ["neuron.model", "'IZH'", "'LIF'"]),
        (SPECIFIED.replace("neurons: 10000", "neurons: many"), ["reservoir.neurons", "'many'", "integer"]),
        (SPECIFIED.replace("tau_pre: 20.0", "tau_pre: -1.0"), ["learning.tau_pre", "-1.0", "greater than 0"]),
        (SPECIFIED.replace("v_reset: 0.0", "v_reset: 2.0"), ["v_reset 2.0", "v_threshold 1.0"]),
        ("neuromorphic: {network: {layers: []}}", ["exactly one input, one reservoir and one readout"]),
        ("neuromorphic: {network: {layers: [{type: conv}]}}", ["conv", "'input', 'reservoir', 'readout'"]),
        ("neuromorphic: [", ["not YAML"]),
        ("3", ["'neuromorphic'", "3"]),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(text, parts):
    with pytest.raises(ConfigError) as caught:
        NeuromorphicConfig.from_yaml(text)
    for part in parts:
        assert part in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        NeuromorphicConfig.from_yaml(tmp_path / "nowhere.yaml")


def test_replace_changes_a_copy_and_refuses_unknown_paths():
    config = NeuromorphicConfig()
    changed = config.replace({"reservoir.neurons": 1000, "learning.homeostasis.rate": 0.1, "seed": 4})
    assert (changed.reservoir.neurons, changed.learning.homeostasis.rate, changed.seed) == (1000, 0.1, 4)
    assert config.reservoir.neurons == 256
    for path in ("reservor.neurons", "reservoir.neuron", "sed"):
        with pytest.raises(ConfigError, match="did you mean"):
            config.replace({path: 1})


def test_a_config_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        NeuromorphicConfig().seed = 3  # type: ignore[misc]


def test_every_key_is_described():
    def keys(model):
        for name, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and hasattr(inner, "model_fields"):
                yield from keys(inner)
            else:
                yield name

    text = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()
    config = NeuromorphicConfig()
    parts = [type(config.input), type(config.reservoir), type(config.readout), type(config), Settings]
    missing = {name for part in parts for name in keys(part) if f"`{name}`" not in text and f".{name}`" not in text}
    assert not missing


def test_settings_file_then_environment_then_flag(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("BUS", "STORE", "HOME", "DATA"):
        monkeypatch.delenv(f"SNNLAB_{name}", raising=False)
    Path("snnlab.yaml").write_text("bus: sqlite:///file.db\nstore: sqlite:///file.db\nhome: from-file\n")
    monkeypatch.setenv("SNNLAB_BUS", "sqlite:///environment.db")
    monkeypatch.setenv("SNNLAB_HOME", "from-environment")
    settings = Settings.load(bus="sqlite:///flag.db", store=None)
    assert settings.bus == "sqlite:///flag.db"
    assert settings.home == Path("from-environment")
    assert settings.store == "sqlite:///file.db"
    assert settings.data is None


@pytest.mark.parametrize("text", ["buss: x", "- 1", "bus: ["])
def test_a_bad_settings_file_is_a_config_error(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    Path("snnlab.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"snnlab\.yaml"):
        Settings.load()


def test_the_import_is_light():
    code = "import sys, snnlab.config; print([m for m in ('numba', 'pyarrow', 'torch', 'pandas') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
