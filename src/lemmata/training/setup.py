"""What is trained, on what, and how: the `train` section of a document's front matter, or a YAML file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lemmata.model import CannotRun, Model

ROLES = ("source", "written", "labels")
PRECISIONS = ("float32", "bf16", "fp16")
OPTIMIZERS = ("adam", "adamw", "sgd")


class BadSetup(ValueError):
    """A setting that is missing, misspelt or does not fit the document."""


@dataclass(frozen=True)
class Setup:
    """Settings of a training run, all with defaults but the data."""

    loss: str = "L"
    """The definition that is minimised: a number for each example."""
    scores: str = ""
    """The definition whose rows score the next token (or the class); needed to decode and to tell how much is right."""
    symbols: Mapping[str, str] = field(default_factory=lambda: {"source": "x", "written": "t", "labels": "y"})
    """The document's symbols for the source sequence, for what is written so far, and for the labels."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    vocabulary: str = "c"
    """The document's size that counts the tokens."""
    classes: str = ""
    """The document's size that counts the classes, where labels are classes."""
    padding: int = 1
    """The token that fills up short sequences; the next two begin and end what is written."""
    data: str = ""
    """A task (see `lemmata.training.tasks`) or a file of examples, two columns split by a tab."""
    tokens: str = "characters"
    """`characters`, or `words` between blanks."""
    held_out: float = 0.05
    """The share of the data that is kept for the end, at most 1,000 examples."""
    steps: int = 2000
    batch: int = 64
    optimizer: str = "adam"
    """The document's symbol whose recurrence is the update rule, or one of PyTorch's: adam, adamw, sgd."""
    rate: float = 1e-3
    """Of PyTorch's optimisers; a rule of the document has its own."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """Numbers of the document's rule that the document leaves open."""
    clip: float = 0.0
    """The longest gradient, longer ones are shortened to it; 0 is no limit."""
    precision: str = "float32"
    seed: int = 0
    beam: int = 1
    save_every: int = 200
    show_every: int = 50

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch", 1), ("beam", 1), ("save_every", 1), ("show_every", 1)):
            if getattr(self, name) < least:
                raise BadSetup(f"{name}: {getattr(self, name)} is less than {least}")
        if not 0 <= self.held_out < 1:
            raise BadSetup(f"held_out: {self.held_out} is no share from 0 up to 1")
        if self.precision not in PRECISIONS:
            raise BadSetup(f"precision: {self.precision} is none of {', '.join(PRECISIONS)}")
        if self.tokens not in ("characters", "words"):
            raise BadSetup(f"tokens: {self.tokens} is neither characters nor words")
        unknown = [r for r in self.symbols if r not in ROLES]
        if unknown or "labels" not in self.symbols:
            raise BadSetup(f"symbols: names the document's symbols for {', '.join(ROLES)}, labels at least")

    def plain(self) -> dict[str, Any]:
        """As it is kept beside a checkpoint."""
        return asdict(self)


def setup(model: Model, overrides: Mapping[str, Any] | None = None, config: str | Path | None = None) -> Setup:
    """The settings of the document, those of the YAML file `config` over them, `overrides` over both.

    Raises BadSetup for keys that do not exist and values of another kind, OSError for a file that cannot be read.
    """
    found: dict[str, Any] = {}
    document = model.elaboration.document
    section = document.metadata.get("lemmata")
    if isinstance(section, Mapping) and "train" in section:
        found |= _mapping(section["train"], f"{document.path}: lemmata: train")
    if config is not None:
        found |= _file(Path(config))
    found |= {k: v for k, v in (overrides or {}).items() if v is not None}
    return Setup(**{k: _value(k, v) for k, v in found.items()})


def _file(path: Path) -> dict[str, Any]:
    import yaml

    try:
        return _mapping(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, str(path))
    except yaml.YAMLError as error:
        raise BadSetup(f"{path}: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError:
        raise BadSetup(f"{path}: is not UTF-8 text") from None


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadSetup(f"{where}: expected settings by name, such as `loss: L`")
    return {str(k): v for k, v in value.items()}


def _value(name: str, value: Any) -> Any:
    """The value of a setting in its type. Raises BadSetup."""
    known = {f.name: f for f in fields(Setup)}
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
        raise BadSetup(f"there is no setting {name}{hint}")
    kind = known[name].type
    try:
        if kind == "int":
            if isinstance(value, bool) or int(value) != float(value):
                raise ValueError
            return int(value)
        if kind == "float":
            return float(value)
        if kind == "str":
            if isinstance(value, Mapping | list):
                raise ValueError
            return str(value)
        if not isinstance(value, Mapping):
            raise ValueError
        of = {"Mapping[str, str]": str, "Mapping[str, int]": int, "Mapping[str, float]": float}[str(kind)]
        return {str(k): of(v) for k, v in value.items()}
    except (TypeError, ValueError):
        raise BadSetup(f"{name}: {value!r} is no {_KINDS[str(kind)]}") from None


_KINDS = {
    "int": "whole number",
    "float": "number",
    "str": "name",
    "Mapping[str, str]": "list of names by name",
    "Mapping[str, int]": "list of whole numbers by name",
    "Mapping[str, float]": "list of numbers by name",
}


def check_document(model: Model, chosen: Setup) -> None:
    """Raise BadSetup where the document does not define what is to be trained."""
    for role, name in (("loss", chosen.loss), ("scores", chosen.scores)):
        if not name and role == "scores":
            continue
        try:
            model[name].expression  # noqa: B018
        except KeyError as error:
            raise BadSetup(f"{role}: {error.args[0]}") from None
        except CannotRun as error:
            raise BadSetup(f"{role}: {error}") from None
