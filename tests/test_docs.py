"""The pages of the project agree with its code and with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

from places import ROOT


def test_generated_pages_are_current_and_links_lead_somewhere():
    ran = subprocess.run([sys.executable, "docs/build.py", "--check"], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_target_that_the_readme_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^\$ make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M))
    assert named and named <= set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))


def test_every_extra_is_installed_for_all_tests_and_told_in_the_readme():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    (installed,) = re.findall(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
    assert set(installed.split(",")) == extras
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == extras


def test_decision_records_are_numbered_without_gaps():
    names = sorted(p.name for p in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [n[:4] for n in names] == [f"{at:04}" for at in range(1, len(names) + 1)]
