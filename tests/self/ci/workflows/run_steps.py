"""Run the steps of a workflow's job here, in order: `python -m tests.self.ci.workflows.run_steps cpu.yml gate`.

Actions are left out, and told; conditions are taken as on a run that nobody cancelled. Exit code 1 if a step failed.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from tests import ROOT


def main(workflow: str, job: str) -> int:
    """Run the steps of a job, and return the exit code."""
    content = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text())["jobs"][job]
    failed: list[str] = []
    with tempfile.NamedTemporaryFile("r", suffix=".md") as summary:
        environment = {**os.environ, "GITHUB_STEP_SUMMARY": summary.name, "GITHUB_OUTPUT": os.devnull}
        for step in content["steps"]:
            name = step.get("name") or step.get("run") or step["uses"]
            if "run" not in step or (failed and "if" not in step):
                print(f"== left out: {name}", flush=True)
                continue
            print(f"== {name}", flush=True)
            began = time.monotonic()
            done = subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=ROOT, env=environment)
            print(f"== exit code {done.returncode} after {time.monotonic() - began:.0f} s: {name}", flush=True)
            failed += [name] * bool(done.returncode)
        print(Path(summary.name).read_text())
    print(f"failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
