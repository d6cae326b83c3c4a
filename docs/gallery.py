"""The gallery: experiments are run, and each leaves its picture and its answer for a page of the documentation.

    python docs/gallery.py [--quick] [--folder FOLDER]

Without --quick it takes some minutes on two cores; the same code, data and draws give the same pictures to the byte.
"""

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXPERIMENTS = HERE.parent / "experiments"
KEPT = HERE / "gallery"
NOT_RUN = "not run with this page: tests/acceptance/test_experiments.py asks it in its quick form"
QUESTIONS = {  # script: its question, as experiments/README.md asks it
    "which_portfolio": "The same money, five portfolios: which one?",
    "how_to_split": "The same portfolio, four splits: which one?",
    "does_it_last": "Does it last: 5, 10 and 15 years on, and how should it end?",
    "how_sure_are_we": "How sure are we?",
    "bought_in_or_embedded": "Bought in or embedded: what is left?",
    "levers_or_assumptions": "What moves the headline most: what we choose, or what we assume about delivery?",
}


def main(words: list[str]) -> None:
    """Run every experiment and keep what it gives."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="few areas and draws")
    parser.add_argument("--folder", type=Path, default=KEPT, help="where pictures and answers go")
    asked = parser.parse_args(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    answers = {}
    for name in QUESTIONS:
        picture, answer = run(name, *(["--quick"] if asked.quick else []))
        (asked.folder / f"{name}.svg").write_text(picture, encoding="utf-8")
        answers[name] = answer
        print(f"{name}: {answer}", flush=True)
    said = json.dumps(answers, indent=1, ensure_ascii=False)
    (asked.folder / "answers.json").write_text(f"{said}\n", encoding="utf-8")


def run(name: str, *flags: str) -> tuple[str, str]:
    """Return the picture of an experiment and its answer in one sentence.

    Parameters
    ----------
    name
        Of a script in ``experiments``.
    flags
        ``--quick``, or nothing.
    """
    path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(EXPERIMENTS / f"{name}.py"), *flags]
        environment = os.environ | {"PYTHONPATH": path}
        found = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        picture = (Path(folder) / "outputs" / name / "figure.svg").read_text(encoding="utf-8")
    return picture, found.stdout.splitlines()[-1]


def alternative(picture: str) -> str:
    """Return what a picture says of itself to those who do not see it."""
    found = re.search(r"""aria-label=("[^"]*"|'[^']*')""", picture)
    return " ".join(html.unescape(found[1][1:-1]).split()) if found else ""


def page() -> str:
    """Return the part of the page that shows each experiment, in Markdown."""
    answers = json.loads((KEPT / "answers.json").read_text(encoding="utf-8"))
    parts = []
    for name, question in QUESTIONS.items():
        seen = alternative((KEPT / f"{name}.svg").read_text(encoding="utf-8"))
        parts += [
            f"## {question}",
            f"<!-- {NOT_RUN} -->\n```sh\npython experiments/{name}.py\n```",
            answers[name],
            f"```{{image}} {name}.svg\n:alt: {seen}\n```",
        ]
    return "\n\n".join(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
