"""The names of the wire formats that are served."""

NAMES = ("chat", "messages", "embeddings", "rerank", "responses", "images")
