// Durable Objects under Node, for the end-to-end suite: an object is an instance of the Worker's Python class, with
// SQL storage in a file of its own (Node's SQLite) and alarms on real timers. A gateway in another process reaches it
// over HTTP, with text in both directions.
//
// As on Cloudflare: one object for each name; what it stored outlives its instance and its process; numbers are bound
// as floats; a transaction is rolled back if its function throws; an alarm fires at least once, and again after an error.
// Not as on Cloudflare: an object handles one event from start to end before it takes the next (Cloudflare's input gate
// lets others in while an object waits for something else than its storage); a write is on disk before the reply in
// any case, so there is no output gate; nothing moves an object or ends an idle one.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

const ALARM_RETRY_MS = 500; // Cloudflare waits two seconds, then twice as long each time
const MAX_TIMER_MS = 2 ** 31 - 1;
const LATE_MS = 2500;
const FORBIDDEN = /^\s*(begin|commit|end|rollback|savepoint|release|attach|detach|vacuum|pragma)\b/i;
const OWN_TABLES = "CREATE TABLE IF NOT EXISTS _cf_own (name TEXT PRIMARY KEY, value) WITHOUT ROWID";
const wait = (ms) => new Promise((resume) => setTimeout(resume, ms));

class SqlStorageCursor {
  constructor(rows) {
    this.rows = rows;
  }
  toArray() {
    return this.rows;
  }
}

class SqlStorage {
  constructor(database) {
    this.database = database;
  }
  exec(query, ...bindings) {
    if (FORBIDDEN.test(query) || /\b_cf_/i.test(query)) throw new Error(`not authorized: SQLITE_AUTH: ${query}`);
    for (const value of bindings) {
      const fits = value === null || typeof value === "string" || Number.isFinite(value);
      if (!fits) throw new TypeError(`a value of type ${typeof value} cannot be bound`);
    }
    const statement = this.database.prepare(query);
    if (statement.sourceSQL.trim() !== query.trim()) throw new Error("more than one statement");
    return new SqlStorageCursor(statement.all(...bindings));
  }
}

// The SDK recognises these classes by their names.
class DurableObjectStorage {
  #database;
  #depth = 0;
  #changed;
  constructor(database, changed) {
    this.#database = database;
    this.#changed = changed;
    this.sql = new SqlStorage(database);
  }
  transactionSync(work) {
    const name = `transaction_${(this.#depth += 1)}`;
    this.#database.exec(`SAVEPOINT ${name}`);
    try {
      const result = work();
      this.#database.exec(`RELEASE ${name}`);
      return result;
    } catch (error) {
      this.#database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }
  async getAlarm() {
    return this.alarmNow();
  }
  alarmNow() {
    return this.#database.prepare("SELECT value FROM _cf_own WHERE name = 'alarm'").get()?.value ?? null;
  }
  async setAlarm(at) {
    this.#database.prepare("INSERT OR REPLACE INTO _cf_own VALUES ('alarm', ?)").run(Number(at));
    this.#changed();
  }
  async deleteAlarm() {
    this.#database.exec("DELETE FROM _cf_own WHERE name = 'alarm'");
    this.#changed();
  }
}

class DurableObjectState {
  constructor(name, storage) {
    this.id = { name, toString: () => hashOf(name) };
    this.storage = storage;
  }
  waitUntil() {}
}

const hashOf = (name) => createHash("sha256").update(name).digest("hex");

class LivingObject {
  #python;
  #env;
  #log;
  #database;
  #state;
  #instance = null;
  #last = Promise.resolve();
  #timer;

  constructor(file, python, env, log, name = null) {
    [this.#python, this.#env, this.#log] = [python, env, log];
    this.#database = new DatabaseSync(file);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    this.#database.exec(OWN_TABLES);
    if (name !== null) this.#database.prepare("INSERT OR IGNORE INTO _cf_own VALUES ('name', ?)").run(name);
    this.name = this.#database.prepare("SELECT value FROM _cf_own WHERE name = 'name'").get().value;
    this.#database.exec("UPDATE OR REPLACE _cf_own SET name = 'alarm' WHERE name = 'ringing'");
    const storage = new DurableObjectStorage(this.#database, () => this.#setTimer());
    this.#state = new DurableObjectState(this.name, storage);
    this.#setTimer();
  }

  call(method, text) {
    return this.#inTurn((instance) => this.#python.call_object(instance, method, text));
  }

  // Forget the instance, as a new deploy does; the storage stays.
  reset() {
    this.#instance?.destroy();
    this.#instance = null;
  }

  rows(sql) {
    return this.#database.prepare(sql).all();
  }

  #inTurn(work) {
    const done = this.#last.then(async () => {
      this.#instance ??= this.#python.new_object(this.#state, this.#env);
      return work(this.#instance);
    });
    this.#last = done.catch(() => {});
    return done;
  }

  #setTimer() {
    clearTimeout(this.#timer);
    const at = this.#state.storage.alarmNow();
    if (at === null) return;
    this.#timer = setTimeout(() => this.#inTurn((instance) => this.#ring(instance, at)), Math.min(at - Date.now(), MAX_TIMER_MS));
  }

  async #ring(instance, at) {
    const { storage } = this.#state;
    if (storage.alarmNow() !== at || at > Date.now()) return this.#setTimer();
    // The handler may set the next one. If the process ends meanwhile, the next process rings again.
    this.#database.exec("UPDATE OR REPLACE _cf_own SET name = 'ringing' WHERE name = 'alarm'");
    try {
      await this.#python.alarm_of_object(instance);
      this.#database.exec("DELETE FROM _cf_own WHERE name = 'ringing'");
    } catch (error) {
      this.#log("UNHANDLED in alarm", error);
      if (storage.alarmNow() === null) await storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }
}

// All objects of this process, with their files in `folder`. An alarm that an earlier process has set fires here.
export class Objects {
  #folder;
  #make;
  #living = new Map();
  state = "up";

  // `python`: new_object, call_object, alarm_of_object. `state`: see `serve`.
  constructor(folder, python, env, log) {
    this.#folder = folder;
    this.#make = (file, name) => new LivingObject(file, python, env, log, name);
    fs.mkdirSync(folder, { recursive: true });
    for (const file of fs.readdirSync(folder).filter((each) => each.endsWith(".sqlite"))) {
      const object = this.#make(path.join(folder, file));
      this.#living.set(object.name, object);
    }
  }

  named(name) {
    if (!this.#living.has(name)) {
      this.#living.set(name, this.#make(path.join(this.#folder, `${hashOf(name)}.sqlite`), name));
    }
    return this.#living.get(name);
  }

  get names() {
    return [...this.#living.keys()];
  }

  resetAll() {
    for (const object of this.#living.values()) object.reset();
  }

  // Returns the reply's text, or throws what Cloudflare would. By `state` a call is answered at once (`up`), after
  // it was done and 2.5 s went by (`late`), refused (`overloaded`, `unreachable`), done and lost (`reset`), or not at all (`hangs`).
  async serve(name, method, text) {
    if (this.state === "hangs") await new Promise(() => {});
    if (this.state === "overloaded") {
      const words = "Durable Object is overloaded. Too many requests queued.";
      throw Object.assign(new Error(words), { overloaded: true, retryable: true });
    }
    if (this.state === "unreachable") throw Object.assign(new Error("Network connection lost."), { retryable: true });
    const reply = await this.named(name).call(method, text);
    if (this.state === "late") await wait(LATE_MS);
    if (this.state === "reset") {
      this.named(name).reset();
      throw Object.assign(new Error("Durable Object reset because its code was updated."), { retryable: true });
    }
    return reply;
  }
}

// What a gateway has as a binding: the objects of the process at `url`.
export function namespaceAt(url) {
  const idFromName = (name) => ({ name, toString: () => hashOf(name) });
  // A stub has a method of every name. It is no promise, so it has no `then`.
  const methodOf = (name, method) =>
    typeof method === "symbol" || method === "then" ? undefined : (text) => callAt(url, name, method, text);
  const get = ({ name }) => new Proxy({}, { get: (_, method) => methodOf(name, method) });
  return { idFromName, get, getByName: (name) => get(idFromName(name)) };
}

async function callAt(url, name, method, text) {
  if (typeof text !== "string") throw new TypeError("only text may go to an object");
  const target = `${url}/__object/${encodeURIComponent(name)}/${method}`;
  const response = await fetch(target, { method: "POST", body: text }).catch(() => {
    throw Object.assign(new Error("Network connection lost."), { retryable: true });
  });
  if (response.ok) return response.text();
  const { message, ...fields } = await response.json();
  throw Object.assign(new Error(message), fields);
}
