"""The workflows: do their commands exist, and is what ci/SECURITY.md promises set there?"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ci.options import parse
from tests import ROOT
from tests.self.test_docs import fault_of

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS: dict[str, Any] = {path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yml"))}
JOBS = {f"{name}/{job}": content for name, workflow in WORKFLOWS.items() for job, content in workflow["jobs"].items()}
STEPS = [(job, step) for job, content in JOBS.items() for step in content["steps"]]
RUNS = [(job, line) for job, step in STEPS if "run" in step for line in step["run"].strip().splitlines()]
OUR_OWN = ("./ci/gate", "./ci/test")
OTHERS = ("source", "pip", "pre-commit", "gh", "python3")
"""Commands that the runners have, or that a step before installs."""


def _on(workflow: dict[Any, Any]) -> dict[str, Any]:
    return dict(workflow[True])  # YAML takes `on` for a truth


@pytest.mark.parametrize(("job", "line"), RUNS, ids=[f"{job}: {line[:40]}" for job, line in RUNS])
def test_every_line_parses_and_names_a_command_that_exists(job: str, line: str) -> None:
    done = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    words = shlex.split(line.partition(" >> ")[0])
    if words[0] in OUR_OWN:
        command = shlex.join(word for word in words if "$(" not in word)
        assert fault_of(command) is None
    if words[0] == "./ci/gate":
        parse(words[1:])  # ends the process where it is not understood
    elif words[:2] == ["python3", "-m"]:
        assert (ROOT / (words[2].replace(".", "/") + ".py")).exists()
    elif words[0] != "./ci/test":
        assert words[0] in OTHERS


def test_workflows_are_read():
    assert set(WORKFLOWS) == {"cpu.yml", "gpu.yml", "nightly.yml"}
    assert len(RUNS) > 20


class TestSecurity:
    """Line by line, what ci/SECURITY.md promises."""

    def test_forks_run_only_behind_the_label_and_for_that_commit(self):
        assert not any("pull_request_target" in _on(w) or "workflow_run" in _on(w) for w in WORKFLOWS.values())
        assert _on(WORKFLOWS["gpu.yml"]) == {"pull_request": {"types": ["labeled", "synchronize", "reopened"]}}
        first, *_ = WORKFLOWS["gpu.yml"]["jobs"].values()
        condition = " ".join(first["if"].split())
        assert condition == (
            "(github.event.action == 'labeled' && github.event.label.name == 'run-ci') || "
            "(github.event.action != 'labeled' && contains(github.event.pull_request.labels.*.name, 'run-ci') && "
            "github.event.pull_request.head.repo.full_name == github.repository)"
        )
        assert JOBS["gpu.yml/gate"]["needs"] == "history", "it is skipped with the job that has the condition"
        assert "if" not in JOBS["gpu.yml/gate"]
        checkout = JOBS["gpu.yml/gate"]["steps"][0]
        assert checkout["with"]["ref"] == "${{ github.event.pull_request.head.sha }}"

    def test_self_hosted_runners_are_used_behind_the_label_or_on_main_only(self):
        own = {name for name, job in JOBS.items() if "self-hosted" in job["runs-on"]}
        assert own == {"gpu.yml/gate", "nightly.yml/gpu"}
        assert JOBS["nightly.yml/gpu"]["if"] == "github.ref == 'refs/heads/main'"
        assert set(_on(WORKFLOWS["nightly.yml"])) == {"schedule", "workflow_dispatch"}

    @pytest.mark.parametrize("job", JOBS)
    def test_jobs_have_the_least_permissions_and_an_end(self, job: str) -> None:
        assert WORKFLOWS[job.split("/")[0]]["permissions"] == {}
        assert set(JOBS[job]["permissions"].values()) == {"read"}
        assert set(JOBS[job]["permissions"]) <= {"contents", "actions"}
        assert JOBS[job]["timeout-minutes"] <= 240

    def test_no_checkout_keeps_credentials_and_no_workflow_has_secrets(self):
        checkouts = [step for _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
        assert len(checkouts) >= 6
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)
        assert not any("secrets" in (FOLDER / name).read_text() for name in WORKFLOWS)

    def test_actions_are_pinned_by_hash_with_their_version_beside(self):
        for name in WORKFLOWS:
            for line in re.findall(r"uses: (.*)", (FOLDER / name).read_text()):
                assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line

    def test_no_value_from_outside_becomes_a_command(self):
        assert not [line for _, line in RUNS if "${{" in line]

    def test_only_main_writes_the_history_and_only_mains_is_restored(self):
        uploads = [
            (job, s["with"]["name"]) for job, s in STEPS if s.get("uses", "").startswith("actions/upload-artifact@")
        ]
        assert [job for job, name in uploads if name.startswith("history-")] == ["nightly.yml/gpu"]
        finds = [line for job, line in RUNS if job.endswith("/history")]
        assert len(finds) == 2
        for line in finds:
            assert '.workflow_run.head_branch == "main"' in line
            assert ".workflow_run.head_repository_id == .workflow_run.repository_id" in line
        restoring = [s for _, s in STEPS if s.get("uses", "").startswith("actions/download-artifact@")]
        of_history = [step for step in restoring if step["with"].get("name", "").startswith("history-")]
        assert [step["with"]["run-id"] for step in of_history] == ["${{ needs.history.outputs.run }}"] * 2

    def test_the_summary_is_written_by_the_bases_code(self):
        checkout = JOBS["gpu.yml/summary"]["steps"][0]
        assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"

    def test_every_setting_that_the_document_names_is_tested_here(self):
        document = (ROOT / "ci" / "SECURITY.md").read_text()
        rows = [line for line in document.splitlines() if line.startswith("| ")][2:]
        held = [row for row in rows if "not held by a workflow" not in row]
        here = Path(__file__).read_text()
        named = [re.findall(r"`([^`]+)`", row.split("|")[2]) for row in held]
        for row, settings in zip(held, named, strict=True):
            words = [word for setting in settings for word in re.findall(r"[\w-]{4,}", setting)]
            assert not words or any(word in here for word in words), row


def test_latency_is_measured_also_when_the_examination_failed():
    steps = {step.get("name"): step for step in JOBS["gpu.yml/gate"]["steps"]}
    assert steps["Latency"]["if"] == "${{ !cancelled() }}"


def test_zizmor_has_nothing_to_say():
    tool = shutil.which("zizmor", path=str(Path(sys.executable).parent)) or shutil.which("zizmor")
    if tool is None:
        pytest.skip("zizmor is not installed: pip install --constraint constraints.txt zizmor")
    done = subprocess.run([tool, "--offline", "--no-progress", str(FOLDER)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
