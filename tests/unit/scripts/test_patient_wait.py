"""The wait of the tests' Node host for the answers of miniflare's thread."""

import subprocess
from pathlib import Path

from scripts.tools import ROOT, node

# A thread wakes its caller, and answers after that.
PROGRAM = """
import { once } from "node:events";
import { Worker } from "node:worker_threads";

await import(process.argv[1]);
const thread = `
  const { workerData: answer } = require("node:worker_threads");
  const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  pause();
  Atomics.notify(answer, 0);
  pause();
  Atomics.store(answer, 0, 1);
  Atomics.notify(answer, 0);
`;
const answer = new Int32Array(new SharedArrayBuffer(4));
await once(new Worker(thread, { eval: true, execArgv: [], workerData: answer }), "online");
Atomics.wait(answer, 0, 0);
console.log(Atomics.load(answer, 0), Atomics.wait(answer, 0, 1, 10), Atomics.wait(answer, 0, 0));
"""


def test_a_wake_up_that_comes_before_the_answer_does_not_count() -> None:
    shim = (ROOT / "tests" / "support" / "patient_wait.mjs").as_uri()
    command: list[str | Path] = [node(), "--input-type=module", "--eval", PROGRAM, shim]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # our own text

    assert done.stdout.split() == ["1", "timed-out", "not-equal"]
