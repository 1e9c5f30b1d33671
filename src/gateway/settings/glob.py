"""Matches names with patterns in which ``*`` stands for any characters, also for none."""


def fits(pattern: str, name: str) -> bool:
    """Return whether a name has the pattern. All characters but ``*`` stand for themselves, in their case.

    The parts between the stars are looked for from left to right, each behind the one before. So no part is
    looked for twice, and the work grows with the length of the name.
    """
    first, *others = pattern.split("*")
    if not others:
        return pattern == name
    *middle, last = others
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
