"""Runs the program `minster`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any


class ProgramError(RuntimeError):
    """The program refused, or is not there; its own words are the message."""

    def __init__(self, message: str, exit_code: int | None) -> None:
        super().__init__(message)
        #: The exit code, or None where it did not run. 4 means: refused by disclosure control.
        self.exit_code = exit_code


def run(
    command: str,
    arguments: Sequence[str],
    *,
    config: str | PathLike[str] | None,
    period: str | None,
    program: str | PathLike[str],
    timeout: float | None,
) -> tuple[dict[str, Any], list[str]]:
    """What the program prints with `--json`, and the lines of its standard error."""
    words = [fspath(program), command, *arguments, "--json"]
    if config is not None:
        words += ["--config", fspath(config)]
    if period is not None:
        words += ["--period", period]
    try:
        ran = subprocess.run(
            words, capture_output=True, text=True, encoding="utf-8", timeout=timeout, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ProgramError(
            f"there is no program {fspath(program)}: install it, or give its path as `program`", None
        ) from None
    except subprocess.TimeoutExpired:
        raise ProgramError(f"minster {command} took longer than {timeout} s; give a longer `timeout`", None) from None
    if ran.returncode != 0:
        raise ProgramError(ran.stderr.strip() or f"minster {command} ended with exit {ran.returncode}", ran.returncode)
    answer = json.loads(ran.stdout)
    if answer.get("format") != 1:
        raise ProgramError(
            f"minster {command} answers in the format {answer.get('format')}, and this package reads 1: install the version that goes with it",
            None,
        )
    return answer, ran.stderr.splitlines()
