"""The wrangler commands of a deployment; a dry run shows the same commands."""

from collections.abc import Mapping, Sequence

from scripts.deploy.target import D1, KV, Store, Target

Words = tuple[str, ...]

WHO_AM_I: Words = ("whoami", "--json")
LOG_IN: Words = ("login",)
_LISTS: Mapping[str, Words] = {KV: ("kv", "namespace", "list"), D1: ("d1", "list", "--json")}


def list_secrets(target: Target) -> Words:
    """Return the command that lists the names of the Worker's secrets."""
    return ("secret", "list", *target.flags)


def upload_secrets(target: Target) -> Words:
    """Return the command that uploads secrets (JSON on stdin); it creates the Worker if there is none yet."""
    return ("secret", "bulk", *target.flags)


def list_stores(target: Target, kind: str) -> Words:
    """Return the command that lists the account's KV namespaces or D1 databases."""
    return (*_LISTS[kind], *target.flags)


def create_database(target: Target, store: Store) -> Words:
    """Return the command that creates a D1 database."""
    return ("d1", "create", store.name, *target.flags)


def apply_migrations(target: Target, *where: str) -> Sequence[Words]:
    """Return for each database the command that applies its missing migrations; ``where`` is ``--remote``."""
    databases = [store for store in target.stores() if store.kind == D1]
    return [("d1", "migrations", "apply", store.binding, *where, *target.flags) for store in databases]


def deploy(target: Target, *more: str) -> Words:
    """Return the command that deploys."""
    return ("deploy", *target.flags, *more)


def roll_back(target: Target) -> Words:
    """Return the command that restores the previous version."""
    return ("rollback", f"--env={target.environment}")
