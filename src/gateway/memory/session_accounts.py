"""The spending of sessions in one isolate: the sessions that were used last, and no more."""

from itertools import islice

from gateway.memory.key_spending import KeySpending

# The account of a session is named by its digest. No key's name has a colon.
SESSION_PREFIX = "session:"
MAX_ACCOUNTS = 2_000
# How many of the oldest accounts are looked at for one that holds no money of a request in flight.
LOOKED_AT = 16
# How many requests of one session whose row is not written yet are stored by request. Agents ask one by one.
MAX_REMEMBERED = 20


def account_of(session: str) -> str:
    """Return the name of the account of a session, by the session's digest."""
    return SESSION_PREFIX + session


class SessionAccounts:
    """The accounts of sessions, at most ``MAX_ACCOUNTS``. A ledger has what is forgotten here."""

    def __init__(self) -> None:
        self._accounts: dict[str, KeySpending] = {}

    def __len__(self) -> int:
        return len(self._accounts)

    def get(self, key: str) -> KeySpending:
        """Return a session's account; a new one if there is none."""
        account = self._accounts.pop(key, None)
        if account is None:
            if len(self._accounts) >= MAX_ACCOUNTS:
                self._evict()
            account = KeySpending()
        self._accounts[key] = account  # the one that was not used for longest comes first
        return account

    def _evict(self) -> None:
        oldest = [*islice(self._accounts.items(), LOOKED_AT)]
        idle = [key for key, account in oldest if not account.held]
        del self._accounts[idle[0] if idle else oldest[0][0]]
