"""The dialect of embeddings: a vector for each input."""
