from scripts import tables


def test_the_readme_holds_the_settings_as_they_are_in_the_code() -> None:
    readme = tables.README.read_text(encoding="utf-8")

    assert tables.with_settings(readme) == readme


def test_the_error_page_lists_the_codes_as_they_are_in_the_code() -> None:
    assert tables.ERRORS.read_text(encoding="utf-8") == tables.errors_page()
