"""The local modules that code cells rest on."""

from __future__ import annotations

from lemmata.code.dependencies import local_modules


def test_modules_are_followed_and_absent_names_kept(tmp_path):
    (tmp_path / "helper.py").write_text("from package.deep import x\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "deep.py").write_text("import helper\nx = 1\n")
    found = local_modules(tmp_path, ["import numpy as np\nfrom helper import f", "def broken(:"])
    present = {name for name, known in found.items() if known is not None}
    assert present == {"helper.py", "package/__init__.py", "package/deep.py"}
    assert found["numpy.py"] is None and found["numpy/__init__.py"] is None


def test_a_changed_module_has_another_hash(tmp_path):
    (tmp_path / "helper.py").write_text("x = 1\n")
    before = local_modules(tmp_path, ["import helper"])["helper.py"]
    (tmp_path / "helper.py").write_text("x = 2\n")
    assert before != local_modules(tmp_path, ["import helper"])["helper.py"]
