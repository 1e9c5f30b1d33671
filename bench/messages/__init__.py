"""What the bench's upstream answers in Anthropic's form, and the checks of it."""
