"""The README's page on Python, as written but for the numbers of steps."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


# Parts of the page, and what stands in their place so that they take seconds.
SMALLER = [
    ("50_000", "2_000"),
    ("[256, 256]", "[16]"),
    ('student="mlp:16"', 'student="mlp:16", transfer_states=400, gradient_steps=100'),
]


def test_the_page_runs(tmp_path, monkeypatch):
    page = (ROOT / "README.md").read_text().partition("### From Python\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 2
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        for part, smaller in SMALLER:
            block = block.replace(part, smaller)
        exec(compile(block, "README.md", "exec"), names)
    assert (tmp_path / "student.onnx").is_file() and (tmp_path / "digits.onnx").is_file()
