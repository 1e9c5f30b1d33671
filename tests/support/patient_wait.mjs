// Makes `Atomics.wait` return only when the value has changed.
//
// Miniflare's calls wait for the answer of a thread, and take any wake-up for it. That thread wakes them after it has
// stored its answer. If it is held up in between, its wake-up comes in the next call, which then finds no answer:
// it fails, and each later call gets the answer of the one before it.

const wait = Atomics.wait;

Atomics.wait = (array, index, value, timeoutMs) => {
  let result;
  do result = wait(array, index, value, timeoutMs);
  while (result === "ok" && Atomics.load(array, index) === value);
  return result;
};
