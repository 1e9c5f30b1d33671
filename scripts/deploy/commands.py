"""What a deployment has wrangler do: the same commands are run, and shown by a dry run."""

from collections.abc import Mapping, Sequence

from scripts.deploy.target import D1, KV, Store, Target

Words = tuple[str, ...]

WHO_AM_I: Words = ("whoami", "--json")
LOG_IN: Words = ("login",)
_LISTS: Mapping[str, Words] = {KV: ("kv", "namespace", "list"), D1: ("d1", "list", "--json")}


def list_secrets(target: Target) -> Words:
    """Return what lists the names of the Worker's secrets."""
    return ("secret", "list", *target.flags)


def upload_secrets(target: Target) -> Words:
    """Return what takes secrets as JSON on its standard input, and makes a Worker that is not there yet."""
    return ("secret", "bulk", *target.flags)


def list_stores(target: Target, kind: str) -> Words:
    """Return what lists the account's KV namespaces or D1 databases."""
    return (*_LISTS[kind], *target.flags)


def create_database(target: Target, store: Store) -> Words:
    """Return what creates a D1 database."""
    return ("d1", "create", store.name, *target.flags)


def apply_migrations(target: Target, *where: str) -> Sequence[Words]:
    """Return what applies to each database what it lacks of migrations/, ``where`` being ``--remote``."""
    databases = [store for store in target.stores() if store.kind == D1]
    return [("d1", "migrations", "apply", store.binding, *where, *target.flags) for store in databases]


def deploy(target: Target, *more: str) -> Words:
    """Return what deploys."""
    return ("deploy", *target.flags, *more)


def roll_back(target: Target) -> Words:
    """Return what brings the version before back."""
    return ("rollback", f"--env={target.environment}")
