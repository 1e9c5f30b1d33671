from gateway.memory.signatures import MAX_SIGNATURES, Signatures, digest_of


def test_the_maker_of_a_signature_is_remembered_by_its_digest() -> None:
    signatures = Signatures()
    signatures.note(digest_of("sig"), "a/one")

    assert signatures.maker_of(digest_of("sig")) == "a/one"
    assert signatures.maker_of(digest_of("other")) is None


def test_what_several_models_sign_alike_has_no_maker() -> None:
    signatures = Signatures()
    for model in ("a/one", "b/two", "a/one"):
        signatures.note(digest_of("placeholder"), model)

    assert signatures.maker_of(digest_of("placeholder")) is None


def test_the_signature_that_was_not_used_for_longest_is_forgotten() -> None:
    signatures = Signatures()
    for number in range(MAX_SIGNATURES):
        signatures.note(digest_of(str(number)), "a/one")
    assert signatures.maker_of(digest_of("0")) == "a/one"

    signatures.note(digest_of("one more"), "a/one")

    assert signatures.maker_of(digest_of("0")) == "a/one"
    assert signatures.maker_of(digest_of("1")) is None


def test_a_digest_is_short_and_made_of_any_text() -> None:
    assert {len(digest_of(text)) for text in ("", "é\ud800", "x" * 100_000)} == {16}
