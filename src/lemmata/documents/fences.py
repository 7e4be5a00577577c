"""What stands after the opening of a fence or directive: language, attributes, options."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct, field

_ALIASES = {"py": "python", "python3": "python", "py3": "python", "ipython": "python", "ipython3": "python"}
_CELLS = frozenset({"code-cell", "jupyter-execute"})
_LISTINGS = frozenset({"code-block", "code", "sourcecode"})
_BRACED = re.compile(r"\{([^{}]*)\}\s*(.*)", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"""([\w\-]+)\s*=\s*("[^"]*"|'[^']*'|\[[^\]\n]*\]|[^\s,}]+)|\.([\w+\-]+)|#([\w:.\-]+)|([\w+\-]+)"""
)
_NAME = re.compile(r"[^\s{,;:=\[(]+")
_COLON_OPTION = re.compile(r"[ \t]*:([\w\-]+):[ \t]*(.*)")
_TAB = re.compile(r"(?:#@tab|%%tab)[ \t]+(.+)")
_SWITCHES = {"true": True, "yes": True, "false": False, "no": False}


class Info(Struct, frozen=True):
    """The head of a fence."""

    language: str
    """Lower case, aliases resolved; `math` for a formula."""
    options: Mapping[str, object] = field(default_factory=dict)
    cell: bool = False
    """Whether the fence itself says that its code is run (`{code-cell}`, Quarto's `{python}`)."""
    directive: bool = False
    """Whether MyST options (`:key: value` lines, a `---` block) may open the body."""


def read_info(info: str) -> Info:
    """Read what follows the backticks: `python`, `{.python .input}`, `{code-cell} ipython3`, `{r, echo=F}`."""
    text = info.strip()
    braced = _BRACED.match(text)
    if braced is None:
        first = _NAME.match(text)
        language = first.group() if first else ""
        rest = text[len(language) :]
        options = {k: v for k, v in attributes(rest).items() if v is not True or k == "noeval"}
        return Info(_language(language), options)
    inside, argument = braced.group(1).strip(), braced.group(2).strip()
    found = attributes(inside)
    if inside.startswith((".", "#")) or not inside:
        classes = [name for name, value in found.items() if value is True]
        language = classes[0] if classes else ""
        options = {name: value for name, value in found.items() if name != language}
        return Info(_language(language), options, cell="input" in classes)
    head = _NAME.match(inside)
    name = head.group() if head else inside
    if name == "math":
        return Info("math", directive=True)
    if name in _CELLS or name in _LISTINGS:
        return Info(_language(argument.split()[0] if argument else ""), cell=name in _CELLS, directive=True)
    options = {k: v for k, v in found.items() if k != name}
    return Info(_language(name), options, cell="-" not in name and ":" not in name)


def attributes(text: str) -> dict[str, object]:
    """`key=value`, `.class`, `#name` and single words, which count as switched on."""
    found: dict[str, object] = {}
    for key, value, kind, identity, word in _ATTRIBUTE.findall(text[:2000]):
        if key:
            found[key] = _value(value)
        elif identity:
            found["id"] = identity
        else:
            found[kind or word] = True
    return found


def _language(name: str) -> str:
    name = name.lower().lstrip(".")
    return _ALIASES.get(name, name)


def _value(text: str) -> object:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text.startswith("[") and text.endswith("]"):
        return [str(_value(part)) for part in text[1:-1].split(",") if part.strip()]
    return _SWITCHES.get(text.lower(), text)


def directive_options(lines: list[str]) -> tuple[dict[str, object], int]:
    """The MyST options that open a directive's body, and how many lines they take."""
    options: dict[str, object] = {}
    if lines and lines[0].strip() == "---":
        for k, line in enumerate(lines[1:100], 1):
            if line.strip() == "---":
                return _yaml_like(lines[1:k]), k + 1
        return {}, 0
    count = 0
    for line in lines:
        option = _COLON_OPTION.fullmatch(line)
        if option is None:
            break
        options[option.group(1)] = _option(option.group(1), option.group(2))
        count += 1
    if count and count < len(lines) and not lines[count].strip():
        count += 1
    return options, count


def body_options(source: str) -> dict[str, object]:
    """Options that the code itself carries in its first lines: Quarto's `#| key: value`, d2l's `#@tab pytorch`."""
    options: dict[str, object] = {}
    piped: list[str] = []
    for line in source.split("\n", 60)[:60]:
        text = line.strip()
        if tab := _TAB.fullmatch(text):
            options["tab"] = tab.group(1).strip()
        elif text.startswith(("#|", "//|", "%%|")):
            piped.append(text.split("|", 1)[1].removeprefix(" "))
        elif text:
            break
    return {**options, **_yaml_like(piped)}


def _yaml_like(lines: list[str]) -> dict[str, object]:
    """`key: value` lines and lists of `- item` lines below a key."""
    options: dict[str, object] = {}
    key = ""
    for line in lines:
        text = line.strip()
        if text.startswith("- ") and key:
            items = options.get(key)
            options[key] = [*(items if isinstance(items, list) else []), str(_value(text[2:]))]
            continue
        name, colon, value = text.partition(":")
        if colon and name.strip():
            key = name.strip()
            options[key] = _option(key, value)
    return options


def _option(key: str, text: str) -> object:
    value = _value(text)
    if key == "tags" and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def runs(language: str, options: Mapping[str, object], cell: bool, source: str) -> bool:
    """Whether a listing is code to run: Python or marked as a cell, no transcript, and not told to stay still."""
    tags = options.get("tags")
    if options.get("eval") is False or (isinstance(tags, list) and "skip-execution" in tags):
        return False
    if source.lstrip().startswith((">>>", "In [", "$ ")):
        return False
    return cell or language == "python"
