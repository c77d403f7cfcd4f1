"""What a network is made of, read from YAML, and where the outside systems are, read from the environment.

Both are frozen and strict: a key that means nothing is an error that names it.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from snnlab.errors import ConfigError

__all__ = [
    "HomeostasisConfig",
    "InputLayer",
    "LearningConfig",
    "NetworkConfig",
    "NeuromorphicConfig",
    "NeuronConfig",
    "PerformanceConfig",
    "ReadoutLayer",
    "ReservoirLayer",
    "Settings",
]

_M = TypeVar("_M", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class InputLayer(_Strict):
    """The input neurons that encoders' codes are spread over."""

    type: Literal["input"] = "input"
    neurons: int = Field(default=1000, ge=1, description="size of the layer that the codes are spread over")
    encoding: str = Field(default="temporal", min_length=1, description="the default code of a numeric feature")


_INPUT_DEGREE, _INPUT_SHARE = 24, 250


class ReservoirLayer(_Strict):
    """The recurrent network."""

    type: Literal["reservoir"] = "reservoir"
    neurons: int = Field(default=256, ge=1, le=2**31 - 1, description="neurons of the network")
    connectivity: float = Field(default=0.1, gt=0, le=1, description="share of the others that each neuron reaches")
    fan_in: int | None = Field(default=None, ge=1, description="mean synapses a neuron receives, not connectivity")
    spectral_radius: float = Field(default=0.9, ge=0, description="of the linearised recurrence; 0 cuts it")
    excitatory: float = Field(default=0.8, gt=0, le=1, description="share of excitatory neurons")
    inhibition: float = Field(default=1.0, ge=0, description="lateral inhibition, in units of the spectral radius")
    input_fan_in: int | None = Field(default=None, ge=1, description="neurons that one input neuron reaches")
    input_synapse: Literal["delta", "exponential"] = Field(default="delta", description="membrane at once, or current")
    input_strength: float = Field(default=0.25, gt=0, description="what one input spike adds at most, in thresholds")
    delay: float = Field(default=1.0, gt=0, description="of a recurrent synapse, ms")
    settle_ticks: int = Field(default=64, ge=0, description="most ticks that a gap is run before it is decayed at once")

    @property
    def input_degree(self) -> int:
        """Neurons that one input neuron reaches: 24 unless said, or one in 250.

        An event has ten input neurons or so: where they reach too few, a large network cannot fire at its target.

        >>> ReservoirLayer(neurons=256).input_degree, ReservoirLayer(neurons=10_000).input_degree
        (24, 40)
        """
        return min(self.input_fan_in or max(_INPUT_DEGREE, self.neurons // _INPUT_SHARE), self.neurons)


class ReadoutLayer(_Strict):
    """The readout's evolving output neurons."""

    type: Literal["readout"] = "readout"
    neurons: int = Field(default=1000, ge=1, description="output neurons, each of which holds one prototype")


Layer = Annotated[InputLayer | ReservoirLayer | ReadoutLayer, Field(discriminator="type")]


class NetworkConfig(_Strict):
    """Three layers: input, reservoir, readout, in this order."""

    layers: tuple[Layer, ...] = Field(default=(InputLayer(), ReservoirLayer(), ReadoutLayer()), strict=False)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        kinds = [layer.type for layer in self.layers]
        if kinds != ["input", "reservoir", "readout"]:
            msg = f"layers are {kinds}; list exactly one input, one reservoir and one readout, in this order"
            raise ValueError(msg)
        return self


class NeuronConfig(_Strict):
    """A leaky integrate-and-fire neuron with an adaptive threshold."""

    model: Literal["LIF"] = "LIF"
    tau_membrane: float = Field(default=20.0, gt=0, description="ms")
    tau_synapse: float = Field(default=5.0, gt=0, description="ms")
    v_threshold: float = Field(default=1.0, description="where an unadapted neuron fires")
    v_reset: float = Field(default=0.0, description="where the membrane is put after a spike")
    refractory: float = Field(default=2.0, ge=0, description="ms")
    adaptation: float = Field(default=0.1, ge=0, description="rise of the threshold at a spike")
    tau_adaptation: float = Field(default=100.0, gt=0, description="ms")

    @model_validator(mode="after")
    def _reset_below_threshold(self) -> Self:
        if self.v_threshold <= 0 or self.v_reset >= self.v_threshold:
            msg = f"v_reset {self.v_reset} and 0 must lie below v_threshold {self.v_threshold}"
            raise ValueError(msg)
        return self


class HomeostasisConfig(_Strict):
    """Firing held near a target."""

    target_rate: float = Field(default=0.02, gt=0, lt=0.5, description="spikes a neuron and tick of an event")
    rate: float = Field(default=0.02, ge=0, description="speed of the thresholds, in thresholds a spike; 0 is off")


class LearningConfig(_Strict):
    """Plasticity of the recurrent synapses."""

    algorithm: Literal["STDP", "triplet", "Oja", "BCM", "R-STDP", "none"] = "STDP"
    learning_rate: float = Field(default=0.01, ge=0, description="potentiation at no delay, as a share of w_max")
    tau_pre: float = Field(default=20.0, gt=0, description="window of potentiation, ms")
    tau_post: float = Field(default=20.0, gt=0, description="window of depression, ms")
    depression: float = Field(default=1.05, ge=0, description="area of depression over that of potentiation")
    w_max: float = Field(default=2.0, gt=0, description="hard bound, in mean initial excitatory weights")
    triplet: float = Field(default=1.0, ge=0, le=1, description="share of triplets in potentiation; triplet only")
    tau_triplet: float = Field(default=125.0, gt=0, description="slow trace of the target, ms; triplet only")
    tau_slide: float = Field(default=1000.0, gt=0, description="of the sliding border, ms; BCM only")
    tau_eligibility: float = Field(default=1000.0, gt=0, description="memory for a reward, ms; R-STDP only")
    homeostasis: HomeostasisConfig = HomeostasisConfig()


class PerformanceConfig(_Strict):
    """How a network is run; none of it changes what it computes, but for the precision."""

    batch_size: int = Field(default=1000, ge=1, description="events in a micro-batch")
    spike_precision: Literal["float32", "float64", "int8"] = "float32"
    gpu_acceleration: bool = Field(default=False, description="use an accelerator if one is present")
    max_neurons_per_core: int = Field(default=1000, ge=1, description="cap of the placement on cores or chips")


class NeuromorphicConfig(_Strict):
    """Everything a network is built from.

    >>> config = NeuromorphicConfig.from_yaml("neuromorphic: {neuron: {tau_membrane: 30.0}}")
    >>> config.neuron.tau_membrane, config.reservoir.neurons
    (30.0, 256)
    >>> config.replace({"reservoir.neurons": 1000}).reservoir.neurons
    1000
    """

    network: NetworkConfig = NetworkConfig()
    neuron: NeuronConfig = NeuronConfig()
    learning: LearningConfig = LearningConfig()
    performance: PerformanceConfig = PerformanceConfig()
    tick: float = Field(default=1.0, gt=0, description="length of a tick, ms")
    seed: int = Field(default=0, ge=0)

    @property
    def input(self) -> InputLayer:
        """The input layer."""
        return next(layer for layer in self.network.layers if isinstance(layer, InputLayer))

    @property
    def reservoir(self) -> ReservoirLayer:
        """The recurrent layer."""
        return next(layer for layer in self.network.layers if isinstance(layer, ReservoirLayer))

    @property
    def readout(self) -> ReadoutLayer:
        """The readout layer."""
        return next(layer for layer in self.network.layers if isinstance(layer, ReadoutLayer))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From the mapping under ``neuromorphic:``. Raises ConfigError on anything that cannot be used."""
        return _validated(cls, data, "neuromorphic")

    @classmethod
    def from_yaml(cls, source: str | Path) -> Self:
        """From YAML text, or from the file at a ``Path``. Raises ConfigError on anything that cannot be used."""
        text = _read(source) if isinstance(source, Path) else source
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            msg = f"not YAML: {error}; write a mapping under the one key 'neuromorphic'"
            raise ConfigError(msg) from error
        if not isinstance(data, dict) or not isinstance(data.get("neuromorphic"), dict | None):
            msg = f"expected a mapping under the one key 'neuromorphic', got {str(data)[:80]!r}"
            raise ConfigError(msg)
        for key in data:
            if key != "neuromorphic":
                raise ConfigError(_unknown(str(key), "the top of the file", ["neuromorphic"]))
        return cls.from_dict(data.get("neuromorphic") or {})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """From what ``model_dump_json`` writes. Raises ConfigError on anything that cannot be used."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(_explain(error, cls, "neuromorphic")) from error

    def to_yaml(self) -> str:
        """YAML text that ``from_yaml`` reads back to an equal config."""
        return yaml.safe_dump({"neuromorphic": self.model_dump(mode="json")}, sort_keys=False)

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """A copy with the values at dotted paths changed; a layer is named by its type. Raises ConfigError."""
        data = self.model_dump()
        layers = {layer["type"]: layer for layer in data["network"]["layers"]}
        for path, value in changes.items():
            *steps, key = path.split(".")
            place: Any = {**layers, **data} if steps else data
            for step in steps:
                if not isinstance(place, dict) or step not in place:
                    raise ConfigError(_unknown(step, path, place))
                place = place[step]
            place[key] = value
        return type(self).from_dict(data)


class Settings(BaseSettings):
    """Where the outside systems are: ``snnlab.yaml`` < environment (``SNNLAB_*``) < flags.

    >>> Settings.load(bus="sqlite:///bus.db").bus
    'sqlite:///bus.db'
    """

    model_config = SettingsConfigDict(env_prefix="SNNLAB_", extra="forbid", frozen=True, yaml_file="snnlab.yaml")

    data: Path | None = Field(default=None, description="folder of public data sets")
    home: Path = Field(default=Path(".snnlab"), description="folder of everything embedded")
    bus: str | None = Field(default=None, description="URL of the event bus; sqlite under home if absent")
    store: str | None = Field(default=None, description="URL of the store; sqlite under home if absent")
    anomaly_days: float | None = Field(default=None, gt=0, description="days after which anomalies are gone; never")
    topics: str = Field(default="*", description="streams that a deployment may name: patterns, with commas between")
    tracking_uri: str | None = Field(default=None, description="URL of MLflow; sqlite under mlruns if absent")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is the library's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file in the working directory."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, **flags: str | Path | None) -> "Settings":
        """Settings as they stand now; a flag that is None is one not given. Raises ConfigError."""
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)  # type: ignore[arg-type]  # pydantic reads them
        except ValidationError as error:
            raise ConfigError(_explain(error, cls, "snnlab.yaml, SNNLAB_* or a flag")) from error
        except (yaml.YAMLError, TypeError, ValueError) as error:
            msg = f"snnlab.yaml in the working directory is not a YAML mapping: {error}"
            raise ConfigError(msg) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"cannot read the configuration {str(path)!r}: {error.strerror}; give the path of a YAML file"
        raise ConfigError(msg) from error


def _validated(model: type[_M], data: Mapping[str, Any], root: str) -> _M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(error, model, root)) from error


def _explain(error: ValidationError, model: type[BaseModel], root: str) -> str:
    lines = []
    for item in error.errors():
        loc = item["loc"]
        place = ".".join([root, *map(str, loc[:-1])])
        if item["type"] == "extra_forbidden":
            lines.append(_unknown(str(loc[-1]), place, _keys(model, loc[:-1])))
        else:
            lines.append(f"{'.'.join([root, *map(str, loc)])} = {str(item['input'])[:80]!r}: {item['msg']}")
    return "; ".join(lines)


def _unknown(key: str, place: str, valid: Iterable[str]) -> str:
    known = sorted(valid)
    close = get_close_matches(key, known, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"valid keys are {', '.join(known)}"
    return f"unknown key {key!r} in {place}: {hint}"


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that are valid at a place of a model; a layer is found by its type."""
    for step in loc:
        if isinstance(step, int):
            continue
        if step in model.model_fields:
            found = model.model_fields[step].annotation
            if isinstance(found, type) and issubclass(found, BaseModel):
                model = found
            continue
        for layer in get_args(get_args(Layer)[0]):
            if layer.model_fields["type"].default == step:
                model = layer
    return list(model.model_fields)
