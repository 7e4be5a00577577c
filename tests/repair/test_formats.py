"""Reports that other programs read: SARIF, JUnit XML, GitHub annotations."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree

import pytest

import lemmata
from lemmata.report import github, junit, sarif
from lemmata.report.result import DocumentResult, Problem
from lemmata.surfaces.fixing import patched

TEXT = (
    "Let $a, b > 0$ and $x \\in \\mathbb{R}^n$.\n\n$$(a - b)^2 = a^2 + 2ab + b^2$$\n\nAlso\n"
    "$$\\log\\frac{1}{a} =\n  \\log a,$$ and $$a = a_0 \\text{ & } <b>.$$\n"
)


@pytest.fixture
def results(tmp_path, monkeypatch) -> list[DocumentResult]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my notes.md").write_text(TEXT)
    return [lemmata.check("my notes.md", code=False), DocumentResult("gone.md", problems=(Problem("no: such, file"),))]


def written(module, results, strict=False) -> str:
    stream = io.StringIO()
    module.write(results, stream, strict)
    return stream.getvalue()


def test_sarif_has_the_regions_and_the_fixes(results):
    log = json.loads(written(sarif, results))
    (run,) = log["runs"]
    refuted = [s for s in results[0] if s.verdict == "refuted"]
    assert log["version"] == "2.1.0" and len(run["results"]) == len(refuted) > 0
    rules = {r["id"] for r in run["tool"]["driver"]["rules"]}
    assert not run["invocations"][0]["executionSuccessful"]
    for found, statement in zip(run["results"], refuted, strict=True):
        assert found["ruleId"] in rules and found["level"] == "error"
        place = found["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "my%20notes.md"
        assert place["region"]["startLine"] == statement.line
        assert len(found["fixes"]) == len(statement.fixes) > 0
        change = found["fixes"][0]["artifactChanges"][0]["replacements"][0]
        region, text = change["deletedRegion"], change["insertedContent"]["text"]
        lines = TEXT.split("\n")
        assert region["startLine"] == region["endLine"]
        line = lines[region["startLine"] - 1]
        lines[region["startLine"] - 1] = line[: region["startColumn"] - 1] + text + line[region["endColumn"] - 1 :]
        assert "\n".join(lines) == patched(TEXT, [(statement, statement.fixes[0])])


def test_sarif_warns_of_the_unchecked_when_strict(results):
    levels = [r["level"] for r in json.loads(written(sarif, results, strict=True))["runs"][0]["results"]]
    counts = results[0].counts()
    assert levels.count("warning") == counts["unchecked"] and levels.count("error") == counts["refuted"]


def test_junit_counts_what_it_shows(results):
    root = ElementTree.fromstring(written(junit, results).encode())
    counts = results[0].counts()
    first, second = root.findall("testsuite")
    assert int(first.get("failures")) == len(first.findall(".//failure")) == counts["refuted"]
    assert int(first.get("skipped")) == len(first.findall(".//skipped")) == counts["unchecked"]
    assert int(first.get("tests")) == len(first.findall("testcase"))
    assert second.find(".//error").get("message") == "no: such, file"
    assert any("-\\log a" in (f.text or "") for f in first.iter("failure"))


def test_github_escapes_what_could_end_a_command(results):
    lines = written(github, results).splitlines()
    assert len(lines) == results[0].counts()["refuted"] + 1
    assert lines[-1] == "::error file=gone.md::no: such, file"
    assert lines[0].startswith("::error file=my notes.md,line=3,endLine=3,col=")
    assert github.command("error", [("file", "a,b:c")], "50%\nmore") == "::error file=a%2Cb%3Ac::50%25%0Amore\n"


LINT = "Let $a, b > 0$.\n\n$$max(a, b) \\ge a$$\n\nLet $c = (\\frac{a}{b})^2$.\n"


@pytest.fixture
def linted(tmp_path, monkeypatch) -> list[DocumentResult]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(LINT)
    result = lemmata.check("notes.md", code=False, lint=True)
    assert result.lint and any(f.fixes for f in result.lint)
    return [result]


def test_sarif_has_lint_findings_with_their_fixes(linted):
    (run,) = json.loads(written(sarif, linted))["runs"]
    notes = [r for r in run["results"] if r["level"] == "note"]
    rules = {r["id"] for r in run["tool"]["driver"]["rules"]}
    assert len(notes) == len(linted[0].lint) and all(n["ruleId"] in rules for n in notes)
    for note, finding in zip(notes, linted[0].lint, strict=True):
        region = note["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) == (finding.line, finding.column)
        assert len(note.get("fixes", ())) == len(finding.fixes)
        for fix, mine in zip(note.get("fixes", ()), finding.fixes, strict=True):
            change = fix["artifactChanges"][0]["replacements"][0]
            line = LINT.split("\n")[change["deletedRegion"]["startLine"] - 1]
            start, end = (change["deletedRegion"][k] - 1 for k in ("startColumn", "endColumn"))
            assert line[start:end] == mine["original"] and change["insertedContent"]["text"] == mine["replacement"]


def test_github_and_junit_tell_of_lint_and_fail_nothing(linted):
    notices = [x for x in written(github, linted).splitlines() if x.startswith("::notice")]
    assert len(notices) == len(linted[0].lint) and "title=notation" in notices[0]
    root = ElementTree.fromstring(written(junit, linted).encode())
    (suite,) = root.findall("testsuite")
    told = suite.find("system-out").text
    assert told.count("\n") + 1 == len(linted[0].lint) and "write " in told
    assert suite.get("failures") == str(linted[0].counts()["refuted"])


def test_without_lint_the_formats_have_none(results):
    assert "notation/" not in written(sarif, results) and "::notice" not in written(github, results)
    assert "system-out" not in written(junit, results)
