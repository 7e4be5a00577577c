"""The YAML block a Markdown file may start with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

_LIMIT = 100_000
_BLOCK = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


class FrontMatter(Struct, frozen=True):
    macros: Mapping[str, str] = field(default_factory=dict)
    """MyST's `math:` entries, by name with backslash."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    lines: int = 0
    """How many lines of the file the block takes."""
    problem: tuple[str, int] | None = None
    """What is wrong with it, and on which line."""


def read_front_matter(source: str) -> FrontMatter:
    """Read the block; broken YAML is skipped and said to be broken."""
    block = _BLOCK.match(source, 0, _LIMIT) if source.startswith("---") else None
    if block is None or not re.match(r"\s*(?:[\w\"'#-]|\Z)", block.group(1)):
        return FrontMatter()
    import yaml

    lines = source.count("\n", 0, block.end()) + (0 if block.group().endswith("\n") else 1)
    try:
        data = yaml.load(block.group(1), Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 2 + (mark.line if mark is not None else 0)
        what = getattr(error, "problem", None) or "not valid YAML"
        return FrontMatter(lines=lines, problem=(f"the front matter cannot be read: {what}", line))
    except (RecursionError, ValueError, TypeError, AttributeError) as error:
        return FrontMatter(lines=lines, problem=(f"the front matter cannot be read: {type(error).__name__}", 1))
    if not isinstance(data, dict):
        return FrontMatter() if data is not None and not isinstance(data, list) else FrontMatter(lines=lines)
    metadata = {str(key): value for key, value in data.items()}
    return FrontMatter(_macros(metadata.pop("math", None)), metadata, lines)


def _loader() -> type:
    """YAML's safe loader without aliases, which could unfold a small block into a huge one."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event = self.peek_event()
                raise yaml.composer.ComposerError(None, None, "aliases are not supported", event.start_mark)
            return super().compose_node(parent, index)

    return Loader


def _macros(math: object) -> dict[str, str]:
    if not isinstance(math, dict):
        return {}
    found = {}
    for name, value in math.items():
        if isinstance(value, dict):
            value = value.get("macro")
        elif isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str):
            found["\\" + str(name).lstrip("\\")] = value
    return found
