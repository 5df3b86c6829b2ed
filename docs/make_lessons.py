"""Write docs/lessons.md from the lessons' own texts: `python docs/make_lessons.py` (or `make records`)."""

from pathlib import Path

from glassnet.lessons import LESSONS, Lesson, lesson

PAGE = Path(__file__).parent / "lessons.md"

INTRODUCTION = """\
# Lessons

Read from the lessons themselves by `docs/make_lessons.py`: change the lesson, not this page.

A lesson is one claim of the theory, or a few, as an experiment. It runs in seconds, prints the text with the numbers of
this run and a verdict on each claim, and draws a figure (which needs matplotlib: `pip install 'glassnet[plots]'`):

```sh
glassnet lesson list
glassnet lesson xor
glassnet lesson xor --figure xor.png --seed 7
```

Exit code 1 says that a claim does not hold. From Python:

```python
from glassnet.lessons import lesson

result = lesson("xor").run(seed=7)
assert result.holds
print(result.tables[0].rows[3])
```

Each lesson is one file in `src/glassnet/lessons`, written with glassnet's public names only, so that it is an example
of them too. A test runs them all.
"""


def section(one: Lesson) -> str:
    """One lesson: its question, text and place in the lectures."""
    options = "".join(f" [--{name} FORMULA]" for name in one.options)
    text = "\n\n".join(one.paragraphs).replace("*", r"\*").replace("_", r"\_")
    return f"## {one.name}\n\n**{one.question}**\n\n{text}\n\n`glassnet lesson {one.name}{options}` · {one.lectures}\n"


def page() -> str:
    """The whole page."""
    lessons = [lesson(name) for name in LESSONS]
    index = "\n".join(f"| [{one.name}](#{one.name}) | {one.question} |" for one in lessons)
    return "\n".join([INTRODUCTION, f"| lesson | question |\n| --- | --- |\n{index}\n", *map(section, lessons)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
