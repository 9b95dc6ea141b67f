"""The workflows as ``act`` runs them, on this machine: jobs, matrix, outputs, secrets, conditions.

The actions that GitHub or its people wrote are played by stand-ins, for none can be fetched here:
a checkout clones what it is asked for, an artefact is a folder, a cache keeps nothing. ``forkbot``
is the code under test, and notes how it is called and which tokens it was given.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

import forkbot
from tests.forge.hosted import HOME, Hosted
from tests.house.source import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
SECRET = "FORKBOT_TOKEN"  # noqa: S105 - its name
_CHECKOUT = """
if [ -n "$INPUT_PATH" ]; then
  mkdir -p "$INPUT_PATH/.ci" && cp "$ACTING/venv" "$INPUT_PATH/.ci/venv"
else
  git init -q . && git fetch -q "$ACTING_HOME" "$INPUT_REF" && git checkout -q FETCH_HEAD
fi
"""
_VENV = """#!/bin/sh
set -eu
mkdir -p "$1/bin" && cp "$ACTING/forkbot" "$1/bin/forkbot"
"""
_FORKBOT = """#!/bin/sh
printf '%s\\t%s\\t%s\\n' "$GITHUB_JOB" "${FORKBOT_TOKEN:-}" "$*" >> "$ACTING/calls"
if [ "$1" = "$(cat "$ACTING/broken" 2> /dev/null)" ]; then exit 1; fi
PYTHONPATH=$source exec $python -m forkbot "$@"
"""
# what each action does here; its inputs come as INPUT_<NAME>
ACTIONS = {
    "actions/checkout": _CHECKOUT,
    "actions/cache": ":",
    "actions/upload-artifact":
        'mkdir -p "$ACTING/artefacts/$INPUT_NAME" && '
        'cp -r "$INPUT_PATH/." "$ACTING/artefacts/$INPUT_NAME" && '
        'if [ -f "$ACTING/forge" ] && [ -f "$INPUT_PATH/record.json" ]; then '
        'sed -i -f "$ACTING/forge" "$ACTING/artefacts/$INPUT_NAME/record.json"; fi',
    "actions/download-artifact":
        'mkdir -p "$INPUT_PATH"; if [ -n "$INPUT_NAME" ]; then '
        'cp -r "$ACTING/artefacts/$INPUT_NAME/." "$INPUT_PATH"; exit; fi; '
        'for a in "$ACTING/artefacts/"$INPUT_PATTERN; do '
        'if [ -d "$a" ]; then cp -r "$a" "$INPUT_PATH"; fi; done',
}  # fmt: skip
_INPUTS = ("path", "ref", "repository", "name", "pattern")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of forkbot: in which job, with which token, how."""

    job: str
    token: str
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """One run of a workflow."""

    code: int
    calls: tuple[Call, ...]
    artefacts: Mapping[str, tuple[str, ...]]  # the files in each
    jobs: Mapping[str, str]  # how each job that ran ended
    log: str


class Stage:
    """A stacks repository whose workflows act runs."""

    def __init__(self, hosted: Hosted, act: Path) -> None:
        self.hosted = hosted
        self._act = act
        self._place = hosted.place / "acting"
        self._place.mkdir()
        for name, text in (("venv", _VENV), ("forkbot", _forkbot())):
            (self._place / name).write_text(text)
            (self._place / name).chmod(0o755)
        bin_ = self._place / "bin"
        bin_.mkdir()
        for program in ("rustup", "sudo"):  # the machine is as it is
            (bin_ / program).write_text("#!/bin/sh\n")
            (bin_ / program).chmod(0o755)
        (self._place / "config" / "act").mkdir(parents=True)
        (self._place / "config" / "act" / "actrc").touch()

    def broken(self, command: str) -> None:
        """Let a command of forkbot's end at once, as if its machine had died."""
        (self._place / "broken").write_text(command)

    def forged(self, was: str, becomes: str) -> None:
        """Let every proof say another thing than its machine wrote."""
        (self._place / "forge").write_text(f"s/{was}/{becomes}/")

    def run(self, event: str, *, secrets: Mapping[str, str], **inputs: str) -> Acted:
        """Let a workflow run as of now; each run has its own machines."""
        for left in ("calls", "artefacts", "work", "home"):
            path = self._place / left
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        work = self._place / "work"
        url = self.hosted.hub.url(HOME)
        subprocess.run(["git", "clone", "-q", url, work], check=True, timeout=60)
        (self._place / "home").mkdir()
        done = subprocess.run(
            self._command(event, work, secrets, inputs), cwd=work, env=self._env(), check=False,
            capture_output=True, timeout=400,
        )  # fmt: skip
        log = (done.stdout + done.stderr).decode()
        return Acted(
            code=done.returncode, calls=self._calls(), artefacts=self._artefacts(),
            jobs=_jobs(log), log=log,
        )  # fmt: skip

    def _command(
        self, event: str, work: Path, secrets: Mapping[str, str], inputs: Mapping[str, str]
    ) -> list[str]:
        words = [str(self._act), event, "-W", str(work / ".github" / "workflows" / "rebase.yml")]
        words += ["-P", "ubuntu-24.04=-self-hosted", "--pull=false", "--no-skip-checkout", "--json"]
        words += ["--concurrent-jobs", "1"]
        for action, ref in sorted(_used()):
            words += ["--local-repository", f"{action}@{ref}={self._action(action)}"]
        words += [w for k, v in secrets.items() for w in ("-s", f"{k}={v}")]
        words += [w for k, v in inputs.items() for w in ("--input", f"{k.replace('_', '-')}={v}")]
        env = {k: v for k, v in self.hosted.env.items() if k not in {SECRET, "HOME"}}
        env |= {"ACTING": str(self._place), "ACTING_HOME": self.hosted.hub.url(HOME)}
        env["PATH"] = f"{self._place / 'bin'}:{env['PATH']}"
        return words + [w for k, v in env.items() for w in ("--env", f"{k}={v}")]

    def _env(self) -> dict[str, str]:
        return {
            "PATH": f"{self._place / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self._place / "home"),
            "XDG_CONFIG_HOME": str(self._place / "config"),
            "XDG_CACHE_HOME": str(self._place / "cache"),
        }

    def _action(self, action: str) -> Path:
        """Write the stand-in for an action; of `actions/cache/restore` that is a folder in it."""
        owner, name, *inside = action.split("/")
        top = self._place / "actions" / name
        folder = top.joinpath(*inside)
        folder.mkdir(parents=True, exist_ok=True)
        script = ACTIONS[f"{owner}/{name}"]
        env = {f"INPUT_{i.upper()}": f"${{{{ inputs.{i} }}}}" for i in _INPUTS}
        step = {"run": script, "shell": "bash", "env": env}
        text = {
            "name": name, "inputs": {i: {"default": ""} for i in _INPUTS},
            "runs": {"using": "composite", "steps": [step]},
        }  # fmt: skip
        (folder / "action.yml").write_text(yaml.safe_dump(text))
        return top

    def _calls(self) -> tuple[Call, ...]:
        path = self._place / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        parts = (line.split("\t") for line in lines)
        return tuple(Call(job=job, token=token, words=words) for job, token, words in parts)

    def _artefacts(self) -> dict[str, tuple[str, ...]]:
        top = self._place / "artefacts"
        found = sorted(top.iterdir()) if top.is_dir() else []
        return {p.name: tuple(sorted(f.name for f in p.rglob("*") if f.is_file())) for p in found}


def _forkbot() -> str:
    source = str(Path(forkbot.__file__).parent.parent)
    return _FORKBOT.replace("$source", source).replace("$python", sys.executable)


def _used() -> set[tuple[str, str]]:
    """Return the actions that the workflows use, each with its commit."""
    texts = (p.read_text(encoding="utf-8") for p in WORKFLOWS.glob("*.yml"))
    return {m for t in texts for m in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", t)}


def _jobs(log: str) -> dict[str, str]:
    """Return what act says at the end of each job."""
    found = {}
    for line in log.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and "jobResult" in told:
            found[str(told["job"])] = str(told["jobResult"])
    return found
