// Runs bench/core_costs.py on an npm Pyodide and prints the result. Arguments: the package; the
// repository's folder; a word that is in the name of each call to time.
const [, , name, root, only = ""] = process.argv;
const { loadPyodide } = await import(name);
const python = await loadPyodide({ env: { HOME: "/session", PYTHONDONTWRITEBYTECODE: "1" } });
for (const folder of ["src", "bench"]) {
  python.FS.mkdirTree(`/session/${folder}`);
  python.mountNodeFS(`/session/${folder}`, `${root}/${folder}`);
}
console.log(await python.runPythonAsync(`
import json, sys
sys.path[:0] = ["/session/src", "/session"]
from bench.core_costs import measured
json.dumps(measured(${JSON.stringify(only)}))
`));
