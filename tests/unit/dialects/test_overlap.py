import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.dialects.overlap import LEAST_OVERLAP, LEAST_WHOLE, WINDOW, Overlap, overlap_length

# Few letters, so that texts repeat themselves in all possible ways.
texts = st.text(alphabet="ab \n🙂", max_size=40)
any_texts = st.text(max_size=60)


def sent(so_far: str, pieces: list[str]) -> str:
    overlap = Overlap(so_far)
    taken = [overlap.take(piece) for piece in pieces]
    return "".join(taken) + overlap.end()


def split(text: str, sizes: list[int]) -> list[str]:
    pieces, place = [], 0
    for size in sizes:
        pieces.append(text[place : place + size])
        place += size
    return [*pieces, text[place:]]


def dropped_by_the_rule(so_far: str, new: str) -> int:
    """Return how many characters the documented rule drops; found by trying all lengths."""
    if len(so_far.strip()) >= LEAST_WHOLE and new.startswith(so_far):
        return len(so_far)
    lengths = range(LEAST_OVERLAP, min(len(so_far), len(new), WINDOW) + 1)
    return max((length for length in lengths if so_far.endswith(new[:length])), default=0)


sizes = st.lists(st.integers(0, 7), max_size=30)


@given(so_far=texts, new=texts, sizes=sizes)
@example(so_far="aaaaaaaaaaaa", new="aaaaaaaaaab", sizes=[1] * 12)
def test_what_is_dropped_follows_the_rule_wherever_pieces_are_cut(
    so_far: str, new: str, sizes: list[int]
) -> None:
    assert sent(so_far, split(new, sizes)) == new[dropped_by_the_rule(so_far, new) :]


@given(so_far=texts, repeat=st.integers(0, 40), rest=texts, sizes=sizes)
def test_a_repeat_of_the_last_words_is_dropped_by_the_rule(
    so_far: str, repeat: int, rest: str, sizes: list[int]
) -> None:
    new = so_far[max(0, len(so_far) - repeat) :] + rest
    assert sent(so_far, split(new, sizes)) == new[dropped_by_the_rule(so_far, new) :]


# No character occurs twice, so only one repeat is possible.
unlike = st.lists(st.characters(), min_size=LEAST_OVERLAP, max_size=60, unique=True).map("".join)


@given(text=unlike, data=st.data(), sizes=sizes)
def test_the_text_is_exact_for_any_cut_and_any_overlap_of_the_least_length(
    text: str, data: st.DataObject, sizes: list[int]
) -> None:
    cut = data.draw(st.integers(LEAST_OVERLAP, len(text)))
    overlap = data.draw(st.integers(LEAST_OVERLAP, cut))
    assert text[:cut] + sent(text[:cut], split(text[cut - overlap :], sizes)) == text


@given(so_far=any_texts.filter(lambda text: len(text.strip()) >= LEAST_WHOLE), rest=any_texts, sizes=sizes)
def test_a_model_that_starts_over_leaves_the_exact_text(so_far: str, rest: str, sizes: list[int]) -> None:
    assert sent(so_far, split(so_far + rest, sizes)) == rest


@pytest.mark.parametrize(
    ("so_far", "new"),
    [
        ("ban", "ana"),
        ("Missi", "ssippi"),
        ("It is so ", "so good."),
        ("The end.", ". And more."),
        ("A text ", " with two blanks."),
        ("a", "a"),
        ("  ", "  x"),
        ("no", "no, no"),
        ("", "Hello."),
        ("the capital", "capital "),
    ],
)
def test_a_chance_match_is_not_dropped(so_far: str, new: str) -> None:
    assert sent(so_far, [*new]) == new


@pytest.mark.parametrize(
    ("so_far", "new", "left"),
    [
        ("Canberra is the capital", "Canberra is the capital of Australia.", " of Australia."),
        ("Canberra is the capital", "the capital of Australia.", " of Australia."),
        ("Canberra is the capit", "the capital of Australia.", "al of Australia."),
        ("Canberra is the capital ", "Canberra is the capital of Australia.", "of Australia."),
        ("One.\n\nTwo is next.\n\n", "Two is next.\n\nThree.", "Three."),
        ("The", "The end.", " end."),
        ("堪培拉是澳大利亚的首都", "堪培拉是澳大利亚的首都。", "。"),
    ],
)
def test_a_repeat_is_dropped_and_the_white_space_at_the_seam_is_exact(
    so_far: str, new: str, left: str
) -> None:
    assert sent(so_far, [new]) == left
    assert sent(so_far, [*new]) == left


def test_a_text_is_held_only_while_it_may_be_a_repeat() -> None:
    overlap = Overlap("Canberra is the capital")
    assert [overlap.take(piece) for piece in ("the", " capital", " of")] == ["", "", " of"]
    assert not overlap.is_open

    overlap = Overlap("Canberra is the capital")
    assert [overlap.take(piece) for piece in (" o", "f Australia")] == [" o", "f Australia"]


def test_a_repeat_of_the_whole_text_may_be_longer_than_the_window() -> None:
    so_far = "".join(map(str, range(WINDOW)))
    assert sent(so_far, [so_far[:10_000], so_far[10_000:] + "!"]) == "!"
    assert sent(so_far, split(so_far[-WINDOW:] + "!", [9] * 1_000)) == "!"
    longer = so_far[-WINDOW - 1 :] + "!"
    assert sent(so_far, [longer]) == longer


def test_an_overlap_of_no_text_is_none() -> None:
    assert overlap_length("", "") == overlap_length("a" * 20, "") == overlap_length("", "a" * 20) == 0
