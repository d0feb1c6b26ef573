"""A page's steps are found, and real output is compared with what it shows."""

from __future__ import annotations

import pytest

from tests.tutorial.page import Command, File, steps

PAGE = """
Write this:

```yaml
# build/one.yaml
kind: One
```

```console
$ kubectl apply -f build/one.yaml
one created
$ sleep 1 &
```

```
$ not a command
```
"""


def test_files_and_commands_come_in_the_order_of_the_page() -> None:
    assert steps(PAGE) == [
        File("build/one.yaml", "# build/one.yaml\nkind: One\n"),
        Command("kubectl apply -f build/one.yaml", "one created\n"),
        Command("sleep 1 &", ""),
    ]


def test_a_file_without_a_name_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="does not name the file"):
        steps("```yaml\nkind: One\n```\n")


def test_output_without_a_command_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="does not begin with a command"):
        steps("```console\none created\n```\n")


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("one created\n", "one created\n"),
        ("NAME AGE\none  3s\n", "NAME   AGE\none    12m\n"),
        ("at 127.0.0.1:5002\n", "at 127.0.0.1:29213\n"),
        ("2026-01-02T13:05:11Z a\n", "2031-12-31T23:59:59.123Z a\n"),
        ("first\n...\nlast\n", "first\nand much\nmore\nlast\n"),
        ("first\n...\nlast\n", "first\nlast\n"),
        ("...last\n", "first\nlast\n"),
        ("", "whatever\n"),
    ],
)
def test_what_is_another_on_each_run_makes_no_difference(shown: str, printed: str) -> None:
    assert Command("any", shown).promised(printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("one created\n", "one configured\n"),
        ("one created\n", ""),
        ("one created\n", "one created\ntwo created\n"),
        ("NAME READY\none True\n", "NAME READY\none False\n"),
    ],
)
def test_all_else_makes_a_difference(shown: str, printed: str) -> None:
    assert not Command("any", shown).promised(printed)


@pytest.mark.parametrize("shown", ["error: no\n", "first\nError from server (NotFound): no\n"])
def test_a_command_that_fails_shows_that(shown: str) -> None:
    assert Command("any", shown).fails


def test_a_command_that_works_shows_no_error() -> None:
    assert not Command("any", "one created, without error: fine\n").fails
